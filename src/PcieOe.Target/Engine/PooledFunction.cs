using PcieOe.FlashEndpoint.Timing;
using PcieOe.Protocol.Functions;
using PcieOe.Protocol.Sessions;
using PcieOe.Target.Functions;
using PcieOe.Target.Policies;

namespace PcieOe.Target.Engine;

/// <summary>A function of the pool: who may have it, who has it, and the bridge that joins it to a session. Belongs to the worker's thread.</summary>
internal sealed class PooledFunction : IDisposable
{
    private readonly IDisposable _device;
    private readonly NestedQosAdmission? _admission;
    private bool _isSuspended;

    /// <param name="device">The function itself, and what is to be disposed of with it.</param>
    /// <param name="admission">Null where no policy holds commands back.</param>
    internal PooledFunction(string name, IPcieFunction function, IDisposable device, FunctionBridge bridge, NestedQosAdmission? admission,
        IEnumerable<string> hosts, long sizeBytes, string description)
    {
        Name = name;
        Function = function;
        _device = device;
        _admission = admission;
        Bridge = bridge;
        Hosts = [.. hosts];
        SizeBytes = sizeBytes;
        Description = description;
    }

    internal string Name { get; }

    internal IPcieFunction Function { get; }

    internal FunctionBridge Bridge { get; }

    /// <summary>Hosts that may attach; "*" for any that has a key.</summary>
    internal HashSet<string> Hosts { get; set; }

    internal long SizeBytes { get; }

    /// <summary>What people are told it is: "256MiB memory, none".</summary>
    internal string Description { get; }

    /// <summary>What its flash takes; null where it takes no time.</summary>
    internal FlashTiming? Timing { get; init; }

    internal TargetSession? Session { get; private set; }

    internal bool Allows(string hostName) => Hosts.Contains("*") || Hosts.Contains(hostName);

    /// <param name="tenant">Whom its commands count for; an index of the policy's, where there is one.</param>
    internal void Attach(TargetSession session, SessionStart start, int tenant, long now)
    {
        Session = session;
        _admission?.Resume();
        _admission?.UseTenant(tenant);
        _isSuspended = false;
        Bridge.Open(session.Transmitter, start == SessionStart.StateLost ? FunctionResetKind.StateLost : FunctionResetKind.Conventional, now);
    }

    internal void Detach(long now)
    {
        Session = null;
        Bridge.Close(now);
    }

    /// <summary>Lets the function, and its timeouts, take part in this poll round. True: something moved.</summary>
    internal bool Poll(long now)
    {
        bool worked = false;
        if (now >= Bridge.NextDeadline || Function.NeedsPolling)
        {
            Bridge.OnTimer(now);
            worked = !Function.NeedsPolling;
        }

        if (Session is not null)
        {
            Bridge.Pump(now);
        }

        return worked;
    }

    /// <summary>While the host is out of reach nothing of the function times out.</summary>
    internal void FollowOutage(long now)
    {
        bool isOutage = Session is { } session && session.IsOutage(now);
        if (isOutage == _isSuspended)
        {
            return;
        }

        _isSuspended = isOutage;
        if (isOutage)
        {
            Bridge.Suspend(now);
            _admission?.Suspend();
        }
        else
        {
            Bridge.Resume(now);
            _admission?.Resume();
        }
    }

    public void Dispose() => _device.Dispose();
}
