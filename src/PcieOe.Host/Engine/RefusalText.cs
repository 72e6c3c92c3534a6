using PcieOe.Protocol.Handshake;

namespace PcieOe.Host.Engine;

/// <summary>What a target's refusal means to the person who has to mend it.</summary>
internal static class RefusalText
{
    internal const string OfSilence = "the target does not answer: is it running, by this name, on the same segment, with this EtherType and VLAN? 'pcieoe discover' lists who is there.";

    internal static string Of(AcceptStatus reason, bool isAuthentic)
    {
        string text = reason switch
        {
            AcceptStatus.NotAuthorized => "the target does not let this host in: see that 'name' and 'key' are those of the target's entry for it.",
            AcceptStatus.VersionNotSupported => "the target speaks another version of the protocol: update the older of the two.",
            AcceptStatus.TargetIsInsecure => "the target runs without keys, and this attachment has one: give the target a key for this host, or remove it here and set insecure.",
            AcceptStatus.NoSuchFunction => "the target has no such function for this host: 'pcieoe discover' lists what it offers, 'pcieoe assign' on the target gives one away.",
            AcceptStatus.FunctionBusy => "another host holds the function: 'pcieoe release' and then 'pcieoe assign' on the target give it to this one; or wait for the other's lease to end.",
            AcceptStatus.TargetFull => "the target has no room for another session: raise its maximumSessions.",
            AcceptStatus.MtuTooSmall => "the MTU is too small at one end: 1500 works, 9000 is fast.",
            AcceptStatus.Draining => "the target is going down.",
            _ => $"the target refuses ({reason}).",
        };
        return isAuthentic ? text : text + " (An answer without proof: anybody on the wire could have sent it.)";
    }
}
