using PcieOe.Protocol.Discovery;
using PcieOe.Protocol.Ethernet;
using PcieOe.Protocol.Handshake;
using PcieOe.Protocol.Keys;

namespace PcieOe.Protocol.Sessions;

/// <summary>What a listener asks of the table of sessions.</summary>
internal interface ISessionRegistry
{
    TargetSession? Find(uint id);

    /// <summary>The session that a genuine hello names, if it is still there and belongs to the same host and function.</summary>
    TargetSession? FindResumable(in Hello hello);

    /// <summary>A host has asked for its session after an outage.</summary>
    void Resume(TargetSession session, MacAddress source);

    /// <summary>What a host may have, and who has it.</summary>
    IReadOnlyList<FunctionOffer> ListOffers(string hostName);

    /// <summary>Makes room for a session that a genuine hello asks for. No session: the status says why.</summary>
    AcceptStatus TryReserve(in Hello hello, MacAddress source, long now, out TargetSession? session);

    /// <summary>The session's keys are made: it waits for its host's first protected frame.</summary>
    void OnKeysReady(TargetSession session, FrameCipher? cipher, byte[] accept, long now);

    /// <summary>Gives up a session that never had keys.</summary>
    void Abandon(TargetSession session);
}
