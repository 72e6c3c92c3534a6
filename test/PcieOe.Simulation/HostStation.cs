using PcieOe.Protocol.Ethernet;
using PcieOe.Protocol.Frames;
using PcieOe.Protocol.Handshake;
using PcieOe.Protocol.Link;
using PcieOe.Protocol.Sessions;

namespace PcieOe.Simulation;

/// <summary>A host with one session.</summary>
internal sealed class HostStation : IStation, IHostSessionEvents, ITlpSink, IDisposable
{
    private readonly World _world;
    private readonly HostSessionOptions _options;
    private readonly long _clockOffset;
    private readonly Lane _toTarget;
    private readonly Lane _fromTarget;
    private readonly FlowSender _sender;
    private readonly SendBatch _batch;
    private readonly byte[] _header = new byte[FrameHeader.Length];
    private readonly byte[] _scratch = new byte[LinkOptions.MaximumMtu];
    private CommandReceiver? _receiver;
    private HostSession? _session;
    private long _upAt;
    private int _failures;

    public HostStation(World world, HostSessionOptions options, MacAddress address, long clockOffset, Lane toTarget, Lane fromTarget)
    {
        _world = world;
        _options = options;
        Address = address;
        _clockOffset = clockOffset;
        _toTarget = toTarget;
        _fromTarget = fromTarget;
        _sender = new FlowSender(toTarget);
        _batch = world.CreateBatch();
        _upAt = world.Now;
    }

    public MacAddress Address { get; }

    public SimulatedPath Path { get; set; } = null!;

    public bool IsClosed => _session?.State == HostSessionState.Closed;

    public long NextDeadline => _session is null ? _upAt : Add(_session.NextDeadline, -_clockOffset);

    public void OnFrame(SimulatedFrame frame, long now)
    {
        if (_session is null)
        {
            return;
        }

        long before = _session.Counters.FramesReceived;
        _session.OnFrame(frame.Span, World.TargetAddress, now + _clockOffset);
        World.CheckAcceptedOnce(frame, _session.Counters.FramesReceived > before);
    }

    public void Pump(long now)
    {
        if (_session is null)
        {
            if (now < _upAt)
            {
                return;
            }

            _session = new HostSession(_options, this, this, _world.Random);
            _session.Start(now + _clockOffset);
        }

        long local = now + _clockOffset;
        _session.OnTimer(local);
        while (_session.TryTakeHandshakeJob(out HandshakeJob? job))
        {
            _session.OnHandshakeResult(HandshakeWork.Execute(job), local);
        }

        bool filled;
        do
        {
            filled = _sender.Fill(_session.Transmitter);
        }
        while (SendAll(local, now) && filled);
    }

    public void Restart(long now, long upAt)
    {
        _session?.Dispose();
        _session = null;
        _receiver = null;
        _toTarget.EndFlow();
        _upAt = upAt;
    }

    public void Close(long now) => _session?.Close(now + _clockOffset);

    public void OnEstablished(HostSessionKind kind, in HostSessionInfo info, long now)
    {
        if (kind == HostSessionKind.Resumed)
        {
            _world.Totals.Resumptions++;
            return;
        }

        _world.Totals.Sessions++;
        if (_toTarget.Flow is not null)
        {
            throw new SimulationFailureException($"{_toTarget.Name}: a new session began, and the end of the old one was not reported.");
        }

        _receiver = new CommandReceiver(_fromTarget, _world.Ledger, _world.Totals);
        _world.Ledger.Begin(_toTarget);
    }

    public void OnOutage(long now) => _world.Totals.Outages++;

    public void OnLost(SessionEnd reason, bool reconnects, long now)
    {
        _receiver = null;
        _toTarget.EndFlow();
        if (!reconnects)
        {
            throw new SimulationFailureException($"{_toTarget.Name}: the session ended for good ({reason}).");
        }
    }

    public void OnRefused(AcceptStatus reason, bool isAuthentic, long now)
    {
        if (isAuthentic)
        {
            throw new SimulationFailureException($"{_toTarget.Name}: the target refused ({reason}).");
        }
    }

    public void OnTlps(ReadOnlySpan<byte> tlps, ulong frameNumber, long now)
    {
        if (_receiver is null)
        {
            throw new SimulationFailureException($"{_fromTarget.Name}: TLPs came outside a session.");
        }

        _receiver.OnTlps(tlps, frameNumber, now);
    }

    public string Describe() =>
        $"{_options.HostName} {_session?.State.ToString() ?? "down"}, round trip {_session?.SmoothedRoundTripNanoseconds ?? 0} ns, {_toTarget}, {_fromTarget}";

    public void Dispose() => _session?.Dispose();

    private static long Add(long time, long offset) => time == long.MaxValue ? long.MaxValue : time + offset;

    private bool SendAll(long local, long now)
    {
        bool any = false;
        while (true)
        {
            while (!_batch.IsFull
                && _session!.TryGetFrameToSend(local, _header, _scratch, out ReadOnlySpan<byte> content, out _))
            {
                _batch.Add(Path, _header, content, session: null);
            }

            if (_batch.Count == 0)
            {
                return any;
            }

            any = true;
            _failures = 0;
            _batch.Send(now, _world.Network, _ => _failures++);
            if (_failures != 0)
            {
                _session!.OnSendFailed(_failures);
            }
        }
    }
}
