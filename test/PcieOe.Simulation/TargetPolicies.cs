using PcieOe.Daemon.Workers;
using PcieOe.Protocol.Ethernet;
using PcieOe.Protocol.Sessions;
using PcieOe.Target.Engine;
using PcieOe.Target.Functions;
using PcieOe.Target.Policies;
using PcieOe.Transport.Policies.Gatekeeper;

namespace PcieOe.Simulation;

/// <summary>One life of the target's functions and of the policies that they share, put together as the target daemon does it.</summary>
internal sealed class TargetPolicies : IDisposable
{
    private static readonly EthernetFraming Framing = new(0x88B5, null, 0);
    private static readonly FunctionBridgeOptions BridgeOptions = new() { MaximumTransactions = 64, MaximumReads = 1, MaximumAnswers = 16 };

    private readonly World _world;
    private readonly NestedQosPolicy _nestedQos;
    private readonly List<SimulatedFunction> _functions = [];
    private readonly TargetSession?[] _batchOwners = new TargetSession?[FrameBatch.Capacity];
    private readonly FrameBatch? _frames;
    private readonly TargetGate? _gate;

    internal TargetPolicies(Scenario scenario, TargetSessions sessions, World world, long now)
    {
        _world = world;
        _nestedQos = new NestedQosPolicy(scenario.NestedQos, new Dictionary<string, string> { [World.HostName(0)] = World.HostName(0) }, 1, now);
        for (int host = 0; host < scenario.Hosts; host++)
        {
            Lane lane = world.LanesOf(World.HostName(host)).FromTarget;
            var flash = new SimulatedFlash(scenario, world.Random, lane);
            NestedQosAdmission admission = _nestedQos.CreateAdmission();
            var bridge = new FunctionBridge(flash, admission, BridgeOptions) { IsFunctionReady = true };
            _functions.Add(new SimulatedFunction(lane, flash, new PooledFunction(World.HostName(host), flash, _nestedQos, bridge, admission, [], 0, string.Empty)));
        }

        if (scenario.Gatekeeper is { } gatekeeper)
        {
            _frames = new FrameBatch(Framing, scenario.TargetLink.MaximumTransmissionUnit);
            _gate = new TargetGate(new PortGatekeeper(gatekeeper, gatekeeper.LinkMegabitsPerSecond, sessions.MaximumEntries), sessions, _batchOwners);
        }
    }

    internal bool HasGate => _gate is not null;

    internal long NextDeadline
    {
        get
        {
            long next = Math.Min(_nestedQos.NextDeadline, _gate?.Gatekeeper.NextDeadline ?? long.MaxValue);
            foreach (SimulatedFunction function in _functions)
            {
                next = Math.Min(next, function.Pooled.Bridge.NextDeadline);
            }

            return next;
        }
    }

    internal SimulatedFunction Attach(TargetSession session, SessionStart start, long now)
    {
        SimulatedFunction function = _functions.Find(member => member.Pooled.Name == session.HostName)!;
        function.Pooled.Attach(session, start, _nestedQos.TenantOf(session.HostName), now);
        _gate?.Attach(session, session.HostName, now);
        return function;
    }

    internal void Detach(TargetSession session, SimulatedFunction function, long now)
    {
        _gate?.Detach(session);
        function.Pooled.Detach(now);
    }

    internal void OnFeedback(TargetSession session, in FeedbackMessage feedback, long now) => _gate?.Gatekeeper.OnFeedback(session.Index, feedback, now);

    /// <summary>A poll round of the daemon's engine. True: another one may move more.</summary>
    internal bool Poll(long now)
    {
        _gate?.Gatekeeper.OnTimer(now);
        bool worked = _nestedQos.Start(now);
        foreach (SimulatedFunction function in _functions)
        {
            worked |= function.Flash.Produce(now);
            function.Pooled.FollowOutage(now);
            function.Pooled.Poll(now);
        }

        return worked;
    }

    /// <summary>Adds the frames that the Gatekeeper lets go to a batch of the network's.</summary>
    internal unsafe void Collect(SendBatch batch, long now)
    {
        _frames!.Clear();
        _gate!.Collect(_frames, World.TargetAddress, now);
        for (int i = 0; i < _frames.Count; i++)
        {
            var header = new ReadOnlySpan<byte>(_frames.Frames[i].Header, _frames.Frames[i].HeaderLength);
            var content = new ReadOnlySpan<byte>(_frames.Frames[i].Content, _frames.Frames[i].ContentLength);
            batch.Add(_world.PathTo(MacAddress.Read(header)), header[Framing.HeaderLength..], content, _batchOwners[_frames.OwnerOf(i)]);
        }
    }

    public void Dispose()
    {
        _nestedQos.Dispose();
        _frames?.Dispose();
    }
}

/// <summary>One host's function.</summary>
internal sealed record SimulatedFunction(Lane Lane, SimulatedFlash Flash, PooledFunction Pooled);
