using PcieOe.Protocol.Functions;
using PcieOe.Protocol.Link;
using PcieOe.Protocol.Tlp;

namespace PcieOe.Host.RootComplex;

/// <summary>
/// The root complex's end of one session: it enumerates the function at the other end, owns the DMA window and the shadow of configuration
/// space, and answers or times out every request (DESIGN D8, D9). It has no thread, no clock, and no idea of Ethernet or of what the
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
    private readonly RegionReads _reads = new();
    private readonly RequestLane _lane;
    private readonly ConfigRequests _configRequests;
    private readonly DmaResponder _responder;
    private readonly Enumeration _enumeration;
    private ITlpTransmitter? _transmitter;
    private IRemoteFunctionClient? _client;
    private bool _isLinkUp;
    private bool _isDescribed;
    private bool _isReplaced;
    private bool _isHoldSpent;
    private bool _isBusMaster;
    private bool _isResetAnswerDue;
    private long _resetDeadline = long.MaxValue;

    public RootPort(RootComplexOptions options)
    {
        _options = options;
        long completionTimeout = options.CompletionTimeoutMilliseconds * NanosecondsPerMillisecond;
        _lane = new RequestLane(options.RequestQueueBytes);
        _configRequests = new ConfigRequests(_pending, Counters, RequesterId, FunctionId, completionTimeout);
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
            long deadline = Math.Min(_reads.NextDeadline, _responder.NextDeadline);
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
        while (_reads.TryGetExpired(long.MaxValue, out int slot))
        {
            AnswerRead(slot, RegionReadStatus.Failed, now);
        }
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
                SendHeldReads();
            }

            _responder.Pump(_transmitter);
        }
    }

    public void OnTimer(long now)
    {
        while (_reads.TryGetExpired(now, out int slot))
        {
            // Somebody stood still for this: what else is asked for in this outage waits less.
            _isHoldSpent |= State != RemoteFunctionState.Up;
            Counters.CompletionTimeouts++;
            AnswerRead(slot, State == RemoteFunctionState.Gone ? RegionReadStatus.Failed : RegionReadStatus.Substituted, now);
        }

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
        _reads.Dispose();
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
        _responder.MaximumPayloadBytes = _enumeration.MaximumPayloadBytes;
        if (_enumeration.Purpose == EnumerationPurpose.Discover)
        {
            Hints = BridgeHints.TryFind(_enumeration.Space, out BridgeHints? hints) ? hints : BridgeHints.Empty;
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

        SendHeldReads();
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
        _reads.HoldAllSent();
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
            _isHoldSpent = false;
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

    private void SendHeldReads()
    {
        while (_reads.TryPeekHeld(out int slot) && TrySendRead(slot))
        {
            _reads.RemoveHeld();
        }
    }

    private bool TrySendRead(int slot)
    {
        if (!_lane.IsOpen || _pending.FreeForClient == 0)
        {
            return false;
        }

        ref RegionRead read = ref _reads[slot];
        ulong address = _shadow.Bars.Address(read.Bar) + read.Offset;
        MemoryRequestHeader header = MemoryRequestHeader.Read(address, read.Length, RequesterId, tag: 0);
        Span<byte> tlp = _lane.Reserve(header.WrittenLength);
        if (tlp.IsEmpty || !_pending.TryBegin(RequestKind.RegionRead, slot, address, read.Length, long.MaxValue, out ushort tag))
        {
            return false;
        }

        (header with { Tag = tag }).Write(tlp);
        _lane.Commit();
        read.Tag = tag;
        read.State = RegionReadState.Sent;
        return true;
    }

    /// <summary>Ends a read without the function's answer.</summary>
    private void AnswerRead(int slot, RegionReadStatus status, long now)
    {
        ref RegionRead read = ref _reads[slot];
        if (read.State == RegionReadState.Sent)
        {
            _pending.Abandon(read.Tag);
        }

        Span<byte> data = _reads.Buffer(slot);
        if (status == RegionReadStatus.Substituted)
        {
            UnreachableAnswers.Fill(Hints, read.Bar, read.Offset, data);
        }
        else
        {
            data.Fill(0xFF);
        }

        CompleteRead(slot, status, data, now);
    }

    /// <summary>Hands a read's end to the client. The slot is free before that, so that the client may use it again.</summary>
    private void CompleteRead(int slot, RegionReadStatus status, ReadOnlySpan<byte> data, long now)
    {
        ref RegionRead read = ref _reads[slot];
        ulong context = read.Context;
        if (_msix.Overlaps(read.Bar, read.Offset, read.Length, out int start, out int count) && status != RegionReadStatus.Failed)
        {
            Span<byte> own = _reads.Buffer(slot);
            data.CopyTo(own);
            _msix.ClientBytes(read.Offset + (ulong)start, count).CopyTo(own[start..]);
            data = own;
        }

        _reads.Remove(slot);
        Counters.RegionReadsSubstituted += status == RegionReadStatus.Substituted ? 1 : 0;
        Counters.RegionReadsFailed += status == RegionReadStatus.Failed ? 1 : 0;
        _client?.OnRegionRead(context, status, data, now);
    }
}
