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
    private readonly TargetSessionsOptions _options;
    private readonly long _clockOffset;
    private readonly List<Attachment> _attachments = [];
    private readonly SendBatch _batch;
    private readonly byte[] _header = new byte[FrameHeader.Length];
    private readonly byte[] _scratch = new byte[LinkOptions.MaximumMtu];
    private readonly Dictionary<TargetSession, int> _failures = [];
    private TargetSessions? _sessions;
    private long _upAt;

    public TargetStation(World world, TargetSessionsOptions options, long clockOffset)
    {
        _world = world;
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
            long local = _sessions?.NextDeadline ?? long.MaxValue;
            return _sessions is null ? _upAt : local == long.MaxValue ? local : local - _clockOffset;
        }
    }

    public void OnFrame(SimulatedFrame frame, long now)
    {
        if (_sessions is null)
        {
            return;
        }

        FrameView.TryPeek(frame.Span, out _, out uint id);
        long before = Find(id)?.Session.Counters.FramesReceived ?? 0;
        _sessions.OnFrame(frame.Span, frame.Path.SenderAddress, now + _clockOffset);
        World.CheckAcceptedOnce(frame, Find(id)?.Session.Counters.FramesReceived > before);
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
        }

        long local = now + _clockOffset;
        _sessions.OnTimer(local);
        while (_sessions.TryTakeHandshakeJob(out HandshakeJob? job))
        {
            _sessions.OnHandshakeResult(HandshakeWork.Execute(job), local);
        }

        bool filled;
        do
        {
            filled = false;
            foreach (Attachment attachment in _attachments)
            {
                filled |= attachment.Sender.Fill(attachment.Session.Transmitter);
            }
        }
        while (SendAll(local, now) && filled);
    }

    public void Restart(long now, long upAt)
    {
        _sessions?.Dispose();
        _sessions = null;
        _attachments.ForEach(attachment => attachment.Lane.EndFlow());
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

        _attachments.Add(new Attachment(session, lanes.FromTarget, new FlowSender(lanes.FromTarget)));
        _world.Ledger.Begin(lanes.FromTarget);
        return new FlowReceiver(lanes.ToTarget, _world.Ledger);
    }

    public void OnDetached(TargetSession session, SessionEnd reason, long now)
    {
        int index = _attachments.FindIndex(attachment => attachment.Session == session);
        _attachments[index].Lane.EndFlow();
        _attachments.RemoveAt(index);
    }

    public void Dispose() => _sessions?.Dispose();

    private Attachment? Find(uint id) => _attachments.Find(attachment => attachment.Session.Id == id);

    private bool SendAll(long local, long now)
    {
        bool any = false;
        while (true)
        {
            while (!_batch.IsFull
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

    private sealed record Attachment(TargetSession Session, Lane Lane, FlowSender Sender);
}
