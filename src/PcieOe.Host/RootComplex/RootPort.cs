using PcieOe.Protocol.Functions;
using PcieOe.Protocol.Link;
using PcieOe.Protocol.Tlp;

namespace PcieOe.Host.RootComplex;

/// <summary>
/// The root complex's end of one session: it enumerates the function at the other end, owns the DMA window and the shadow of configuration
/// space, and answers or times out every request. It has no thread, no clock, and no idea of Ethernet or of what the
/// function does. The session tells it what becomes of the lane; one client uses it as <see cref="IRemoteFunction"/>.
/// A poll round hands it what came (<see cref="OnTlps"/>), then calls <see cref="OnTimer"/> if its time has come, and <see cref="Pump"/> before frames leave.
/// </summary>
internal sealed partial class RootPort : IRemoteFunction, ITlpSink, IDisposable
{
    private const long NanosecondsPerMillisecond = 1_000_000;

    private static readonly RoutingId RequesterId = new(0, 0, 0);
    private static readonly RoutingId FunctionId = new(1, 0, 0);

    private readonly RootComplexOptions _options;
    private readonly DmaWindow _window = new();
    private readonly ConfigShadow _shadow = new();
    private readonly MsixTable _msix = new();
    private readonly PendingRequests _pending = new();
    private readonly RequestLane _lane;
    private readonly ConfigRequests _configRequests;
    private readonly RegionReader _reader;
    private readonly RegionWriter _writer;
    private readonly DmaResponder _responder;
    private readonly Enumeration _enumeration;
    private ITlpTransmitter? _transmitter;
    private IRemoteFunctionClient? _client;
    private bool _isLinkUp;
    private bool _isDescribed;
    private bool _isReplaced;
    private bool _isBusMaster;
    private bool _isResetAnswerDue;
    private long _resetDeadline = long.MaxValue;

    public RootPort(RootComplexOptions options)
    {
        _options = options;
        long completionTimeout = options.CompletionTimeoutMilliseconds * NanosecondsPerMillisecond;
        _lane = new RequestLane(options.RequestQueueBytes);
        _configRequests = new ConfigRequests(_pending, Counters, RequesterId, FunctionId, completionTimeout);
        _reader = new RegionReader(options, _lane, _pending, _shadow, _msix, Counters, RequesterId);
        _writer = new RegionWriter(_lane, _shadow, _msix, Counters, RequesterId);
        _responder = new DmaResponder(_window, Counters, RequesterId, options.ClientMemoryTimeoutMilliseconds * NanosecondsPerMillisecond);
        _enumeration = new Enumeration(_shadow, _msix, _configRequests, Counters, options);
    }

    public RootComplexCounters Counters { get; } = new();

    /// <summary>Who hears the function's messages; they are counted in any case.</summary>
    public IFunctionMessageSink? MessageSink { get; set; }

    /// <summary>Reads of the function that wait for room, requests of the client that do, ranges of the window: for status.</summary>
    public int WaitingDmaReads => _responder.WaitingReads;

    public int WaitingRequestBytes => _lane.WaitingBytes;

    public int MappedRanges => _window.Count;

    public long NextDeadline
    {
        get
        {
            long deadline = Math.Min(_reader.NextDeadline, _responder.NextDeadline);
            deadline = Math.Min(deadline, _resetDeadline);
            return _isLinkUp ? Math.Min(deadline, Math.Min(_pending.NextDeadline, _enumeration.NextDeadline)) : deadline;
        }
    }

    /// <summary>
    /// The session is there, or there again. Resumed: everything goes on where it was. Otherwise the function has been reset, and no TLP
    /// of the session before will come any more.
    /// </summary>
    public void OnSessionEstablished(ITlpTransmitter transmitter, bool isResumed, long now)
    {
        _transmitter = transmitter;
        _lane.SetTransmitter(transmitter);
        _isLinkUp = true;
        if (isResumed)
        {
            _pending.Extend(now + _options.CompletionTimeoutMilliseconds * NanosecondsPerMillisecond);
        }
        else
        {
            AbandonSession();
            _isReplaced = _isDescribed;
            _enumeration.Begin(_isDescribed ? EnumerationPurpose.Replay : EnumerationPurpose.Discover);
        }

        UpdateState(now);
    }

    /// <summary>The lane is silent, the session is kept.</summary>
    public void OnSessionOutage(long now)
    {
        _isLinkUp = false;
        UpdateState(now);
    }

    /// <summary>The session has ended; another may follow.</summary>
    public void OnSessionLost(long now)
    {
        _transmitter = null;
        _lane.SetTransmitter(null);
        _isLinkUp = false;
        _enumeration.Stop();
        AbandonSession();
        UpdateState(now);
    }

    /// <summary>The function was taken away for good: its client sees it go.</summary>
    public void OnFunctionRemoved(long now)
    {
        OnSessionLost(now);
        _lane.Clear();
        _window.Clear();
        SetState(RemoteFunctionState.Gone, now);
        _reader.FailAll(now);
    }

    /// <summary>Sends what there is room for: the client's requests first, so that no completion overtakes an earlier posted write.</summary>
    public void Pump(long now)
    {
        while (_enumeration.IsActive && _transmitter is not null)
        {
            EnumerationOutcome outcome = _enumeration.Advance(_transmitter, now);
            if (outcome == EnumerationOutcome.None)
            {
                break;
            }

            OnEnumerated(outcome, now);
        }

        if (_transmitter is null)
        {
            return;
        }

        if (_lane.Drain() || !_lane.IsOpen)
        {
            if (_lane.IsOpen)
            {
                _reader.SendHeld();
            }

            _responder.Pump(_transmitter);
        }
    }

    public void OnTimer(long now)
    {
        _reader.OnTimer(State, now);
        while (_isLinkUp && _pending.TryExpire(now, out PendingRequest expired))
        {
            Counters.CompletionTimeouts++;
            if (_enumeration.IsActive && expired.Kind is RequestKind.ConfigRead or RequestKind.ConfigWrite)
            {
                _enumeration.OnTimedOut();
            }
        }

        _responder.OnTimer(now);
        if (now >= _resetDeadline)
        {
            AnswerReset(succeeded: false, now);
        }
    }

    public void Dispose()
    {
        _reader.Dispose();
        _responder.Dispose();
    }

    private void OnEnumerated(EnumerationOutcome outcome, long now)
    {
        switch (outcome)
        {
            case EnumerationOutcome.DifferentFunction when _client is null:
                _isReplaced = false;
                _isDescribed = false;
                _enumeration.Begin(EnumerationPurpose.Discover);
                break;
            case EnumerationOutcome.DifferentFunction:
                OnFunctionRemoved(now);
                break;
            case EnumerationOutcome.Succeeded:
                OnSetUp(now);
                break;
        }
    }

    private void OnSetUp(long now)
    {
        _responder.MaximumPayloadBytes = _writer.MaximumPayloadBytes = _enumeration.MaximumPayloadBytes;
        if (_enumeration.Purpose == EnumerationPurpose.Discover)
        {
            _reader.Hints = BridgeHints.TryFind(_enumeration.Space, out BridgeHints? hints) ? hints : BridgeHints.Empty;
            _isDescribed = true;
        }

        if (_enumeration.Purpose == EnumerationPurpose.Reset)
        {
            _pending.ForgetAbandoned();
        }

        // What the client posted meanwhile was for a function that is no more.
        _lane.Clear();
        _lane.IsOpen = true;
        if (_isReplaced)
        {
            _isReplaced = false;
            Counters.Replacements++;
            _client?.OnReplaced(now);
        }

        _reader.SendHeld();
        UpdateState(now);
        if (_isResetAnswerDue)
        {
            AnswerReset(succeeded: true, now);
        }
    }

    private void AbandonSession()
    {
        _lane.IsOpen = false;
        _lane.Clear();
        _pending.Clear();
        _responder.Clear();
        _reader.HoldAllSent();
    }

    private void UpdateState(long now)
    {
        if (State == RemoteFunctionState.Gone)
        {
            return;
        }

        bool isUp = _isLinkUp && _isDescribed && !_enumeration.IsActive;
        SetState(isUp ? RemoteFunctionState.Up : _isDescribed ? RemoteFunctionState.Outage : RemoteFunctionState.Connecting, now);
    }

    private void SetState(RemoteFunctionState state, long now)
    {
        if (State == state)
        {
            return;
        }

        State = state;
        if (state == RemoteFunctionState.Up)
        {
            _reader.OnReachable();
        }

        _client?.OnStateChanged(state, now);
    }

    private void AnswerReset(bool succeeded, long now)
    {
        _resetDeadline = long.MaxValue;
        if (_isResetAnswerDue)
        {
            _isResetAnswerDue = false;
            _client?.OnResetCompleted(succeeded, now);
        }
    }
}
