using Microsoft.Extensions.Logging;
using PcieOe.Daemon.Workers;
using PcieOe.Protocol.Discovery;
using PcieOe.Protocol.Ethernet;
using PcieOe.Protocol.Frames;
using PcieOe.Protocol.Handshake;
using PcieOe.Protocol.Link;
using PcieOe.Protocol.Sessions;
using PcieOe.Target.Hops;
using PcieOe.Target.Policies;
using PcieOe.Transport.Policies.Gatekeeper;
using PcieOe.Transport.Ports;

namespace PcieOe.Target.Engine;

/// <summary>
/// What a target's worker drives: the sessions, and the pool of functions that they join hosts to. Everything is on the worker's thread
/// but the handshakes' slow part.
/// </summary>
internal sealed class TargetEngine : IWorkerEngine, ITargetSessionPolicy, IDisposable
{
    /// <summary>
    /// While the kernel takes so many frames, some 30 us, a busy host orders more: what that brings fills up the last frame, which is kept back.
    /// </summary>
    private const int LargeBatch = 8;

    private const int HandshakesPerRound = 4;
    private const long OutageCheckNanoseconds = 10_000_000;

    private readonly PooledFunction[] _functions;
    private readonly TargetSessions _sessions;
    private readonly NestedQosPolicy? _policy;
    private readonly ILogger _logger;
    private readonly TargetSession?[] _batchOwners = new TargetSession?[FrameBatch.Capacity];
    private HandshakeRunner? _handshakes;
    private TargetGate? _gate;
    private long _nextOutageCheck;

    /// <param name="policy">What decides when commands start; null: they start at once. The engine disposes of it, and of what times hops.</param>
    internal TargetEngine(TargetSessionsOptions options, IEnumerable<PooledFunction> functions, NestedQosPolicy? policy, TargetHops hops, ILogger logger)
    {
        _policy = policy;
        Hops = hops;
        _functions = [.. functions];
        _logger = logger;
        _sessions = new TargetSessions(options, this, SystemRandomSource.Instance);
    }

    internal IReadOnlyList<PooledFunction> Functions => _functions;

    internal NestedQosPolicy? Policy => _policy;

    /// <summary>Where the time of commands goes here.</summary>
    internal TargetHops Hops { get; }

    internal TargetSessions Sessions => _sessions;

    /// <summary>What shares the port among tenants; null: sessions send in turn.</summary>
    internal PortGatekeeper? Gatekeeper => _gate?.Gatekeeper;

    public bool MustKeepLooking => false;

    public long NextDeadline
    {
        get
        {
            long next = Math.Min(_sessions.NextDeadline, _policy?.NextDeadline ?? long.MaxValue);
            next = Math.Min(next, _gate?.Gatekeeper.NextDeadline ?? long.MaxValue);
            foreach (PooledFunction function in _functions)
            {
                next = Math.Min(next, function.Bridge.NextDeadline);
            }

            return next;
        }
    }

    /// <summary>Names who wakes the worker when a handshake's slow part is done. Before the worker starts.</summary>
    internal void UseHandshakes(HandshakeRunner handshakes) => _handshakes = handshakes;

    /// <summary>Has a Gatekeeper share the port. Before the worker starts.</summary>
    internal void UseGatekeeper(PortGatekeeper gatekeeper) => _gate = new TargetGate(gatekeeper, _sessions, _batchOwners);

    internal PooledFunction? Find(string name) => Array.Find(_functions, function => function.Name == name);

    public void OnFrame(ReadOnlySpan<byte> frame, MacAddress source, in ReceivedFrame received, long now)
    {
        Hops.Arrivals.OnFrame(received.TimestampNanoseconds);
        _sessions.OnFrame(frame, source, now);
    }

    public bool Poll(long now)
    {
        _gate?.Gatekeeper.OnTimer(now);
        bool worked = PollHandshakes(now) | (_policy?.Start(now) ?? false);
        foreach (PooledFunction function in _functions)
        {
            worked |= function.Poll(now);
        }

        if (now >= _nextOutageCheck)
        {
            _nextOutageCheck = now + OutageCheckNanoseconds;
            foreach (PooledFunction function in _functions)
            {
                function.FollowOutage(now);
            }
        }

        return worked;
    }

    public void CollectFrames(FrameBatch batch, MacAddress source, long now)
    {
        if (_gate is not null)
        {
            _gate.Collect(batch, source, now);
            return;
        }

        while (!batch.IsFull && _sessions.TryGetFrameToSend(now, batch.NextHeader, batch.NextScratch,
            out ReadOnlySpan<byte> content, out MacAddress destination, out TargetSession? session, mayCloseFrame: batch.Count < LargeBatch))
        {
            _batchOwners[batch.Count] = session;
            batch.Add(FrameHeader.Length, content, destination, source, batch.Count);
            batch.IsTimed |= session is not null && session.TakeHasMarkLeft();
        }
    }

    public void OnLeaving()
    {
        foreach (PooledFunction function in _functions)
        {
            if (function.Session is { } session)
            {
                function.Bridge.Hops?.OnLeaving(session.LastMarkSent);
            }
        }
    }

    public void OnSendRefused(int owner, long now)
    {
        if (_batchOwners[owner] is { } session)
        {
            _sessions.OnSendFailed(session, 1);
        }
    }

    public void OnTimer(long now) => _sessions.OnTimer(now);

    public AttachDecision Decide(string hostName, string functionName)
    {
        if (functionName.Length == 0)
        {
            PooledFunction? free = Array.Find(_functions, function => function.Allows(hostName) && (function.Session is null || function.Session.HostName == hostName));
            return free is null ? AttachDecision.Refuse(AcceptStatus.NoSuchFunction) : AttachDecision.Grant(free.Name);
        }

        PooledFunction? wanted = Find(functionName);
        if (wanted is null)
        {
            return AttachDecision.Refuse(AcceptStatus.NoSuchFunction);
        }

        return wanted.Allows(hostName) ? AttachDecision.Grant(wanted.Name) : AttachDecision.Refuse(AcceptStatus.NoSuchFunction);
    }

    public IReadOnlyList<FunctionDescription> ListFunctions(string hostName) =>
        [.. _functions.Where(function => function.Allows(hostName)).Select(function => new FunctionDescription(function.Name, function.SizeBytes))];

    public ITlpSink? OnAttached(TargetSession session, SessionStart start, long now)
    {
        PooledFunction? function = Find(session.FunctionName);
        if (function is null || function.Session is not null || !function.Allows(session.HostName))
        {
            return null;
        }

        if (function.Bridge.Hops is { } recorder)
        {
            recorder.Tenant = Hops.TenantOf(session.HostName);
            recorder.FramesLost = () => session.FramesLost;
        }

        function.Attach(session, start, _policy?.TenantOf(session.HostName) ?? 0, now);
        _gate?.Attach(session, Hops.TenantOf(session.HostName), now);
        Log.HostAttached(_logger, session.HostName, session.PeerAddress, function.Name, start, session.IsKeyed);
        return function.Bridge;
    }

    public void OnFeedback(TargetSession session, in FeedbackMessage feedback, long now)
    {
        if (_gate is null)
        {
            // Nothing is shared here, but who receives too much is heard all the same.
            UseGatekeeper(new PortGatekeeper(new GatekeeperOptions(), null, _sessions.MaximumEntries));
            foreach (TargetSession member in _sessions.Established)
            {
                _gate!.Attach(member, Hops.TenantOf(member.HostName), now);
            }
        }

        _gate!.Gatekeeper.OnFeedback(session.Index, feedback, now);
    }

    public void OnDetached(TargetSession session, SessionEnd reason, long now)
    {
        _gate?.Detach(session);
        PooledFunction? function = Find(session.FunctionName);
        if (function?.Session == session)
        {
            function.Detach(now);
            Log.HostDetached(_logger, session.HostName, function.Name, reason);
        }
    }

    public void Dispose()
    {
        _sessions.Dispose();
        foreach (PooledFunction function in _functions)
        {
            function.Dispose();
        }

        _policy?.Dispose();
        Hops.Dispose();
    }

    private bool PollHandshakes(long now)
    {
        if (_handshakes is not { } runner)
        {
            return false;
        }

        bool worked = false;
        for (int i = 0; i < HandshakesPerRound && runner.HasRoom && _sessions.TryTakeHandshakeJob(out HandshakeJob? job); i++)
        {
            runner.Add(job);
            worked = true;
        }

        for (int i = 0; i < HandshakesPerRound && runner.TryTake(out HandshakeResult? result); i++)
        {
            _sessions.OnHandshakeResult(result, now);
            worked = true;
        }

        return worked;
    }
}
