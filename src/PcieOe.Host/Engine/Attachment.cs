using Microsoft.Extensions.Logging;
using PcieOe.Daemon.Configuration;
using PcieOe.Daemon.Workers;
using PcieOe.Host.FrontEnds;
using PcieOe.Host.Hops;
using PcieOe.Host.NvmeDriver;
using PcieOe.Host.RootComplex;
using PcieOe.Protocol.Handshake;
using PcieOe.Protocol.Link;
using PcieOe.Protocol.Sessions;
using PcieOe.Transport.Hops;
using PcieOe.Transport.Polling;

namespace PcieOe.Host.Engine;

/// <summary>One function of one target, attached to this host: its session, its root port, and the clients that use it. On the worker's thread.</summary>
internal sealed class Attachment : IHostSessionEvents, ITlpSink, IDisposable
{
    private const int HandshakesPerRound = 2;

    /// <summary>For as many NBD connections as a server takes, and a workload besides. Memory that nobody uses costs nothing.</summary>
    private const int BlockDevicePoolBytes = 128 << 20;

    /// <summary>For so long a target may be silent at first, while both daemons start.</summary>
    private const long SilenceNanoseconds = 5_000_000_000;

    private readonly ILogger _logger;
    private readonly List<IFrontEnd> _frontEnds = [];
    private AcceptStatus? _lastRefusal;
    private long _lookingSince;
    private bool _wasAnswered;
    private BlockDevice? _blockDevice;
    private bool _isStopping;
    private bool _isClosing;

    /// <param name="tenant">Whom its traffic counts for.</param>
    internal Attachment(
        string name, string tenant, HostSessionOptions session, RootComplexOptions rootComplex, HopSettings hops, bool isClockShared, ILogger logger)
    {
        Name = name;
        Tenant = tenant;
        _logger = logger;
        Port = new RootPort(rootComplex);
        Session = new HostSession(session, this, this, SystemRandomSource.Instance);
        Delays = new HopDelays(() => MonotonicClock.Nanoseconds);
        Hops = new HopSampler(() => MonotonicClock.Nanoseconds, Delays, new SampleRecorder(isClockShared ? null : Session.Clock, tenant), hops.SampleEvery)
        {
            Arrivals = new FrameArrivals(() => MonotonicClock.Nanoseconds, () => MonotonicClock.RealtimeNanoseconds),
            FramesLost = () => Session.FramesLost,
        };
        Port.MessageSink = Hops;
    }

    internal string Name { get; }

    internal string Tenant { get; }

    internal HostSession Session { get; }

    /// <summary>Who hears what the target says of the rate of this attachment's frames.</summary>
    internal FeedbackHandler? FeedbackHandler { get; set; }

    internal RootPort Port { get; }

    /// <summary>Where the time of sampled commands goes.</summary>
    internal HopSampler Hops { get; }

    internal HopDelays Delays { get; }

    internal IReadOnlyList<IFrontEnd> FrontEnds => _frontEnds;

    /// <summary>The last reason for which the target refused; null since it last agreed.</summary>
    internal string? Problem { get; private set; }

    internal long Outages { get; private set; }

    internal long SessionsLost { get; private set; }

    internal bool MustKeepLooking
    {
        get
        {
            foreach (IFrontEnd frontEnd in _frontEnds)
            {
                if (frontEnd.MustKeepLooking)
                {
                    return true;
                }
            }

            return false;
        }
    }

    internal long NextDeadline
    {
        get
        {
            long next = Math.Min(Session.NextDeadline, Port.NextDeadline);
            foreach (IFrontEnd frontEnd in _frontEnds)
            {
                next = Math.Min(next, frontEnd.NextDeadline);
            }

            return next;
        }
    }

    internal void Add(IFrontEnd frontEnd) => _frontEnds.Add(frontEnd);

    /// <summary>The built-in driver, one for all that use it; made when it is first asked for. Null: another client has the function.</summary>
    /// <param name="wakeWorker">Ends a sleep of the worker, from any thread.</param>
    internal BlockDevice? ShareBlockDevice(Action wakeWorker, long now)
    {
        if (_blockDevice is null && _frontEnds.Count == 0)
        {
            _blockDevice = new BlockDevice(Port, new NvmeDriverOptions { PoolBytes = BlockDevicePoolBytes }, wakeWorker, Hops);
            _blockDevice.Start(now);
            Add(_blockDevice);
        }

        return _blockDevice;
    }

    /// <summary>Front ends take leave, then the session closes, in later rounds, until <see cref="IsClosed"/>.</summary>
    internal void Stop(long now)
    {
        _isStopping = true;
        foreach (IFrontEnd frontEnd in _frontEnds)
        {
            frontEnd.Stop(now);
        }
    }

    internal bool IsClosed => _isStopping && Session.State is HostSessionState.Closed or HostSessionState.Lost;

    internal bool Poll(HandshakeRunner handshakes, long now)
    {
        bool worked = false;
        for (int i = 0; i < HandshakesPerRound && handshakes.HasRoom && Session.TryTakeHandshakeJob(out HandshakeJob? job); i++)
        {
            handshakes.Add(job);
            worked = true;
        }

        foreach (IFrontEnd frontEnd in _frontEnds)
        {
            worked |= frontEnd.Poll(now);
        }

        Port.Pump(now);
        if (_isStopping && !_isClosing && _frontEnds.TrueForAll(frontEnd => frontEnd.IsStopped))
        {
            _isClosing = true;
            Session.Close(now);
        }

        return worked;
    }

    internal void OnTimer(long now)
    {
        if (now >= Session.NextDeadline)
        {
            Session.OnTimer(now);
            ComplainOfSilence(now);
        }

        if (now >= Port.NextDeadline)
        {
            Port.OnTimer(now);
        }
    }

    /// <summary>Once, where nothing came back from the start: most likely a name or a cable is wrong.</summary>
    private void ComplainOfSilence(long now)
    {
        if (_lookingSince == 0)
        {
            _lookingSince = now;
        }

        if (!_wasAnswered && Problem is null && now - _lookingSince >= SilenceNanoseconds)
        {
            Problem = RefusalText.OfSilence;
            Log.NeverAnswered(_logger, Name, Problem);
        }
    }

    public void OnTlps(ReadOnlySpan<byte> tlps, ulong frameNumber, long now) => Port.OnTlps(tlps, frameNumber, now);

    public void OnEstablished(HostSessionKind kind, in HostSessionInfo info, long now)
    {
        _wasAnswered = true;
        _lastRefusal = null;
        Problem = null;
        Log.SessionEstablished(_logger, Name, kind, info.TargetName, info.FunctionName, info.MaximumTransmissionUnit, Session.IsKeyed);
        Port.OnSessionEstablished(Session.Transmitter, kind == HostSessionKind.Resumed, now);
    }

    public void OnOutage(long now)
    {
        Outages++;
        Log.Outage(_logger, Name);
        Port.OnSessionOutage(now);
    }

    public void OnLost(SessionEnd reason, bool reconnects, long now)
    {
        SessionsLost++;
        string meaning = SessionEndText.Of(reason);
        Log.SessionLost(_logger, Name, reason, meaning);
        if (reconnects)
        {
            Port.OnSessionLost(now);
        }
        else
        {
            Problem = meaning;
            Port.OnFunctionRemoved(now);
        }
    }

    public void OnRefused(AcceptStatus reason, bool isAuthentic, long now)
    {
        _wasAnswered = true;
        Problem = RefusalText.Of(reason, isAuthentic);
        if (_lastRefusal != reason)
        {
            _lastRefusal = reason;
            Log.Refused(_logger, Name, Problem);
        }
    }

    public void OnFeedback(in FeedbackMessage feedback, long now) => FeedbackHandler?.Invoke(feedback, now);

    public void Dispose()
    {
        // Whoever has not taken leave in time loses the function: from here on the device reaches none of their memory.
        Port.OnFunctionRemoved(0);
        foreach (IFrontEnd frontEnd in _frontEnds)
        {
            frontEnd.Dispose();
        }

        Session.Dispose();
        Port.Dispose();
        Hops.Dispose();
    }
}

/// <summary>Hears what a target says.</summary>
internal delegate void FeedbackHandler(in FeedbackMessage feedback, long now);
