using PcieOe.Protocol.Discovery;
using PcieOe.Protocol.Ethernet;
using PcieOe.Protocol.Frames;
using PcieOe.Protocol.Handshake;
using PcieOe.Protocol.Link;
using PcieOe.Protocol.Sessions;

namespace PcieOe.Simulation;

/// <summary>The target: one function for each host.</summary>
internal sealed class TargetStation : IStation, ITargetSessionPolicy, IDisposable
{
    private readonly World _world;
    private readonly Scenario _scenario;
    private readonly TargetSessionsOptions _options;
    private readonly long _clockOffset;
    private readonly Dictionary<TargetSession, SimulatedFunction> _attachments = [];
    private readonly SendBatch _batch;
    private readonly byte[] _header = new byte[FrameHeader.Length];
    private readonly byte[] _scratch = new byte[LinkOptions.MaximumMtu];
    private readonly Dictionary<TargetSession, int> _failures = [];
    private TargetSessions? _sessions;
    private TargetPolicies? _policies;
    private long _upAt;

    public TargetStation(World world, Scenario scenario, TargetSessionsOptions options, long clockOffset)
    {
        _world = world;
        _scenario = scenario;
        _options = options;
        _clockOffset = clockOffset;
        _batch = world.CreateBatch();
        _upAt = world.Now;
    }

    public bool IsEmpty => _sessions is null || _sessions.EstablishedCount == 0;

    public long NextDeadline
    {
        get
        {
            if (_sessions is null)
            {
                return _upAt;
            }

            long local = Math.Min(_sessions.NextDeadline, _policies!.NextDeadline);
            return local is long.MaxValue or long.MinValue ? local : local - _clockOffset;
        }
    }

    public void OnFrame(SimulatedFrame frame, long now)
    {
        if (_sessions is null)
        {
            return;
        }

        FrameView.TryPeek(frame.Span, out _, out uint id);
        long before = Find(id)?.Counters.FramesReceived ?? 0;
        _sessions.OnFrame(frame.Span, frame.Path.SenderAddress, now + _clockOffset);
        World.CheckAcceptedOnce(frame, Find(id)?.Counters.FramesReceived > before);
    }

    public void Pump(long now)
    {
        if (_sessions is null)
        {
            if (now < _upAt)
            {
                return;
            }

            _sessions = new TargetSessions(_options, this, _world.Random);
            _policies = new TargetPolicies(_scenario, _sessions, _world, now + _clockOffset);
        }

        long local = now + _clockOffset;
        _sessions.OnTimer(local);
        while (_sessions.TryTakeHandshakeJob(out HandshakeJob? job))
        {
            _sessions.OnHandshakeResult(HandshakeWork.Execute(job), local);
        }

        bool moved;
        do
        {
            moved = _policies!.Poll(local);
        }
        while (SendAll(local, now) | moved);
    }

    public void Restart(long now, long upAt)
    {
        End();
        foreach (SimulatedFunction function in _attachments.Values)
        {
            function.Lane.EndFlow();
        }

        _attachments.Clear();
        _upAt = upAt;
    }

    public AttachDecision Decide(string hostName, string functionName) => AttachDecision.Grant(hostName);

    public IReadOnlyList<FunctionDescription> ListFunctions(string hostName) => [];

    public ITlpSink? OnAttached(TargetSession session, SessionStart start, long now)
    {
        HostLanes lanes = _world.LanesOf(session.HostName);
        if (lanes.FromTarget.Flow is not null)
        {
            throw new SimulationFailureException($"{lanes.FromTarget.Name}: a new session began, and the end of the old one was not reported.");
        }

        _attachments.Add(session, _policies!.Attach(session, start, now));
        _world.Ledger.Begin(lanes.FromTarget);
        return new FlowReceiver(lanes.ToTarget, _world.Ledger);
    }

    public void OnDetached(TargetSession session, SessionEnd reason, long now)
    {
        _attachments.Remove(session, out SimulatedFunction? function);
        function!.Lane.EndFlow();
        _policies!.Detach(session, function, now);
    }

    public void OnFeedback(TargetSession session, in FeedbackMessage feedback, long now) => _policies!.OnFeedback(session, feedback, now);

    public void Dispose() => End();

    private void End()
    {
        _sessions?.Dispose();
        _policies?.Dispose();
        _sessions = null;
        _policies = null;
    }

    private TargetSession? Find(uint id)
    {
        foreach (TargetSession session in _attachments.Keys)
        {
            if (session.Id == id)
            {
                return session;
            }
        }

        return null;
    }

    private bool SendAll(long local, long now)
    {
        bool any = false;
        while (true)
        {
            if (_policies!.HasGate)
            {
                _policies.Collect(_batch, local);
            }

            while (!_policies.HasGate && !_batch.IsFull
                && _sessions!.TryGetFrameToSend(
                    local, _header, _scratch, out ReadOnlySpan<byte> content, out MacAddress destination, out TargetSession? session))
            {
                _batch.Add(_world.PathTo(destination), _header, content, session);
            }

            if (_batch.Count == 0)
            {
                return any;
            }

            any = true;
            _batch.Send(now, _world.Network, session => _failures[session!] = _failures.GetValueOrDefault(session!) + 1);
            foreach ((TargetSession session, int count) in _failures)
            {
                _sessions!.OnSendFailed(session, count);
            }

            _failures.Clear();
        }
    }
}
