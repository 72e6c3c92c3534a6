using System.Text;
using PcieOe.Protocol.Discovery;
using PcieOe.Protocol.Ethernet;
using PcieOe.Protocol.Handshake;
using PcieOe.Protocol.Keys;
using PcieOe.Protocol.Link;

namespace PcieOe.Protocol.Sessions;

/// <summary>
/// What hellos and discovers that have proved to be genuine may do to a target's sessions: ask what there is, resume one, reserve a new
/// one. A new one changes nothing of others before its host has confirmed it (<see cref="SessionLifecycle.Confirm"/>).
/// </summary>
internal sealed class SessionAdmission(
    TargetSessionsOptions options, ITargetSessionPolicy policy, IRandomSource random, SessionTable table, SessionLifecycle lifecycle)
    : ISessionRegistry
{
    /// <summary>Sessions that one host may have begun for one function without having confirmed any.</summary>
    private const int MaximumAttempts = 4;

    private readonly long _confirmation = options.ConfirmationMilliseconds * 1_000_000L;
    private long _attempts;

    public TargetSession? Find(uint id) => table.Find(id);

    public TargetSession? FindResumable(in Hello hello) =>
        hello.ResumeSessionId != 0
            && table.Find(hello.ResumeSessionId) is { IsEstablished: true } session
            && hello.HostName.SequenceEqual(session.HostNameUtf8)
            && hello.FunctionName.SequenceEqual(session.RequestedFunctionUtf8)
                ? session
                : null;

    public void Resume(TargetSession session, MacAddress source)
    {
        session.PeerAddress = source;
        session.OnPathRestored();
        table.Touch(session);
    }

    public IReadOnlyList<FunctionOffer> ListOffers(string hostName)
    {
        IReadOnlyList<FunctionDescription> functions = policy.ListFunctions(hostName);
        var offers = new FunctionOffer[functions.Count];
        for (int i = 0; i < offers.Length; i++)
        {
            TargetSession? holder = table.FindHolder(functions[i].Name);
            FunctionState state = holder is null ? FunctionState.Free
                : holder.HostName == hostName ? FunctionState.HeldByYou : FunctionState.HeldByAnother;
            offers[i] = new FunctionOffer(functions[i].Name, functions[i].SizeBytes, state);
        }

        return offers;
    }

    public AcceptStatus TryReserve(in Hello hello, MacAddress source, long now, out TargetSession? session)
    {
        session = null;
        int mtu = Math.Min(hello.MaximumTransmissionUnit, options.Link.MaximumTransmissionUnit);
        if (mtu < LinkOptions.MinimumMtu)
        {
            return AcceptStatus.MtuTooSmall;
        }

        string hostName = Encoding.UTF8.GetString(hello.HostName);
        AttachDecision decision = policy.Decide(hostName, Encoding.UTF8.GetString(hello.FunctionName));
        if (decision.Refusal != AcceptStatus.New)
        {
            return decision.Refusal;
        }

        TargetSession? holder = table.FindHolder(decision.FunctionName);
        if (holder is not null && holder.HostName != hostName)
        {
            return AcceptStatus.FunctionBusy;
        }

        if (table.FindOldestAttempt(hostName, decision.FunctionName, long.MaxValue, out int attempts) is { } oldest && attempts >= MaximumAttempts)
        {
            lifecycle.GiveUp(oldest);
        }

        int index = table.FindFreeIndex();
        if (index < 0 || (holder is null && lifecycle.IsFull))
        {
            return AcceptStatus.TargetFull;
        }

        uint id = SessionId.Create(index, random.NextUInt32()).Value;
        session = new TargetSession(lifecycle, table.Ready, id, hello, decision.FunctionName, source, now)
        {
            MaximumTransmissionUnit = mtu,
            Capabilities = hello.Capabilities & options.Capabilities,
            Order = ++_attempts,
        };
        session.ExtendLease(now + _confirmation);
        table.Add(session);
        return AcceptStatus.New;
    }

    public void OnKeysReady(TargetSession session, FrameCipher? cipher, byte[] accept, long now)
    {
        session.OnKeysReady(cipher, accept, options.Link, now, now + _confirmation);
        table.Touch(session);
    }

    public void Abandon(TargetSession session) => table.Remove(session);
}
