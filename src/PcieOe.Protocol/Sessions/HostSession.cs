using System.Diagnostics.CodeAnalysis;
using PcieOe.Protocol.Clocks;
using PcieOe.Protocol.Ethernet;
using PcieOe.Protocol.Frames;
using PcieOe.Protocol.Handshake;
using PcieOe.Protocol.Keys;
using PcieOe.Protocol.Link;

namespace PcieOe.Protocol.Sessions;

/// <summary>
/// A host's end of a session with one function of a target: asks for it, keeps it through outages, begins a new one when the target has
/// lost it (docs/wire-format.md, "Sessions"). Sans-I/O, one thread. A poll round is: <see cref="OnFrame"/> for each frame
/// received, <see cref="OnHandshakeResult"/> for each job that came back, <see cref="OnTimer"/> when <see cref="NextDeadline"/> has
/// passed, <see cref="TryTakeHandshakeJob"/> until it says no, <see cref="TryGetFrameToSend"/> until it says no.
/// </summary>
public sealed class HostSession : SessionEndpoint, ITlpSink, ILinkControlSink, IDisposable
{
    /// <summary>After an answer that should have ended the outage and did not, the target is asked again.</summary>
    private const long ReaskNanoseconds = 1_000_000_000;

    private readonly HostSessionOptions _options;
    private readonly ITlpSink _sink;
    private readonly IHostSessionEvents _events;
    private readonly HostHandshake _handshake;
    private readonly ClockExchanges _clocks;
    private readonly CloseNotice _close = new(attempts: 5);
    private HostSessionInfo _info;
    private HostSessionInfo _granted;
    private MacAddress _targetAddress;
    private uint _hostSessionId;
    private uint _grantedSessionId;
    private bool _hadSession;
    private CloseMessage? _closeReceived;
    private long _reaskAt = long.MaxValue;

    /// <param name="sink">Receives the target's TLPs, of whatever session is the present one.</param>
    public HostSession(HostSessionOptions options, ITlpSink sink, IHostSessionEvents events, IRandomSource random)
        : base(ready: null, index: 0)
    {
        ArgumentNullException.ThrowIfNull(options);
        IReadOnlyList<string> mistakes = options.Validate();
        if (mistakes.Count != 0)
        {
            throw new ArgumentException(string.Join(' ', mistakes), nameof(options));
        }

        _options = options;
        _sink = sink;
        _events = events;
        _handshake = new HostHandshake(options, random);
        _clocks = new ClockExchanges(options.ClockExchangeMilliseconds * 1_000_000L);
    }

    public HostSessionState State { get; private set; }

    /// <summary>What the target said when the present session began; meaningless before the first.</summary>
    public HostSessionInfo Info => _info;

    /// <summary>The target's id of the present or last session: what captures show. 0 before the first.</summary>
    public uint TargetSessionId { get; private set; }

    /// <summary>The target's clock against this host's.</summary>
    public ClockOffsetEstimator Clock => _clocks.Estimator;

    /// <summary>Frames dropped: of a session that is gone, or of another host.</summary>
    public long StaleFrames { get; private set; }

    /// <summary>Bytes of the scratch that sealing a frame takes.</summary>
    public int SealScratchBytes => _options.Link.MaximumTransmissionUnit;

    /// <summary>When <see cref="OnTimer"/> is to be called next; <see cref="long.MaxValue"/> for never.</summary>
    public long NextDeadline
    {
        get
        {
            long next = Math.Min(Math.Min(_handshake.NextDeadline, _close.Deadline), _reaskAt);
            if (Link is not null)
            {
                next = Math.Min(next, Link.NextDeadline);
            }

            return State == HostSessionState.Established
                ? Math.Min(next, Math.Min(Link!.OutageDeadline, _clocks.NextDeadline))
                : next;
        }
    }

    /// <summary>Begins to look for the target. For a session that has not been started, or was closed or lost.</summary>
    public void Start(long now)
    {
        if (State is not (HostSessionState.Closed or HostSessionState.Lost))
        {
            throw new InvalidOperationException("The session has been started already.");
        }

        _hadSession = false;
        Ask(now);
    }

    /// <summary>
    /// Ends the session in order: what is under way is let through, for a bounded time, then the target is told. <see cref="State"/>
    /// becomes <see cref="HostSessionState.Closed"/>, at once or in later rounds.
    /// </summary>
    public void Close(long now)
    {
        switch (State)
        {
            case HostSessionState.Established or HostSessionState.Outage:
                long drain = State == HostSessionState.Outage ? 0 : _options.CloseDrainMilliseconds * 1_000_000L;
                State = HostSessionState.Closing;
                _handshake.Cancel();
                _reaskAt = long.MaxValue;
                _close.Begin(now + drain);
                GoOnClosing(now);
                break;
            case HostSessionState.Connecting or HostSessionState.Lost:
                _handshake.Cancel();
                State = HostSessionState.Closed;
                break;
            default:
                break;
        }
    }

    /// <summary>Takes a frame of this protocol, from its own header on; Ethernet's padding may follow.</summary>
    /// <param name="source">The Ethernet source address.</param>
    /// <param name="now">Read after the frame came: it serves as its time of arrival in clock exchanges.</param>
    public void OnFrame(ReadOnlySpan<byte> frame, MacAddress source, long now)
    {
        if (!FrameView.TryPeek(frame, out FrameType type, out uint sessionId))
        {
            StaleFrames++;
        }
        else if (type >= FrameType.Data && Link is not null && sessionId == _hostSessionId)
        {
            OnSessionFrame(frame, now);
        }
        else if (type is FrameType.Challenge or FrameType.Accept
            && !_handshake.IsIdle
            && sessionId == _handshake.HostSessionId
            && FrameView.TryParse(frame, out FrameView view)
            && HandshakeFrame.TryOpen(view, out ReadOnlySpan<byte> message))
        {
            if (type == FrameType.Challenge)
            {
                _handshake.OnChallenge(message, source);
            }
            else
            {
                OnAccept(message, source, now);
            }
        }
        else
        {
            StaleFrames++;
        }
    }

    /// <summary>The next piece of slow work, for <see cref="HandshakeWork.Execute"/> on whichever thread.</summary>
    public bool TryTakeHandshakeJob([NotNullWhen(true)] out HandshakeJob? job) => _handshake.TryTakeJob(out job);

    public void OnHandshakeResult(HandshakeResult result, long now)
    {
        ArgumentNullException.ThrowIfNull(result);
        if (_handshake.OnResult(result, now))
        {
            BeginSession(result.Cipher, now);
        }
    }

    /// <summary>Lets what is due by time happen. Early calls do nothing.</summary>
    public void OnTimer(long now)
    {
        _handshake.OnTimer(now);
        OnLinkTimer(now);
        switch (State)
        {
            case HostSessionState.Established:
                _clocks.OnTimer(Link!, now);
                if (Link!.IsOutage(now))
                {
                    BeginOutage(now);
                }

                break;
            case HostSessionState.Outage when now >= _reaskAt:
                _reaskAt = long.MaxValue;
                _handshake.Begin(TargetSessionId, isContinuation: true, now);
                break;
            case HostSessionState.Closing:
                GoOnClosing(now);
                break;
            default:
                break;
        }
    }

    /// <summary>
    /// The next frame to send. See <see cref="LinkEngine.TryGetFrameToSend"/> for what the spans are and how long they stay.
    /// </summary>
    public bool TryGetFrameToSend(
        long now, Span<byte> header, Span<byte> sealScratch, out ReadOnlySpan<byte> content, out MacAddress destination, bool mayCarryData = true)
    {
        if (_handshake.TryGetFrameToSend(header, out content, out destination))
        {
            return true;
        }

        destination = _targetAddress;
        return Link is not null && Link.TryGetFrameToSend(now, header, sealScratch, out content, mayCarryData);
    }

    /// <summary>As <see cref="LinkEngine.LimitReceive"/>, for as long as this session's link lasts.</summary>
    public void LimitReceive(int frames) => Link?.LimitReceive(frames);

    /// <summary>As <see cref="LinkEngine.ReleaseReceive"/>.</summary>
    public void ReleaseReceive() => Link?.ReleaseReceive();

    /// <summary>Tells the target what rate its frames may come at. What the link cannot take now is not sent.</summary>
    public void SendFeedback(in FeedbackMessage message)
    {
        if (Link is not null)
        {
            message.Send(Link);
        }
    }

    public void Dispose()
    {
        _handshake.Dispose();
        EndLink();
    }

    void ITlpSink.OnTlps(ReadOnlySpan<byte> tlps, ulong frameNumber, long now) => _sink.OnTlps(tlps, frameNumber, now);

    void ILinkControlSink.OnControl(FrameType type, ReadOnlySpan<byte> content, in FrameHeader header, long now)
    {
        if (type == FrameType.Time)
        {
            _clocks.OnMessage(content, now);
        }
        else if (type == FrameType.Feedback && FeedbackMessage.TryParse(content, out FeedbackMessage feedback))
        {
            _events.OnFeedback(feedback, now);
        }
        else if (type == FrameType.Close && CloseMessage.TryParse(content, out CloseMessage close))
        {
            // The link is at work further up the stack: what this means is done after it has returned.
            _closeReceived = close;
        }
    }

    private void Ask(long now)
    {
        State = HostSessionState.Connecting;
        _handshake.Begin(resumeSessionId: 0, isContinuation: _hadSession, now);
    }

    private void OnSessionFrame(ReadOnlySpan<byte> frame, long now)
    {
        if (Link!.OnFrame(frame, now) != FrameVerdict.Accepted)
        {
            return;
        }

        if (_closeReceived is { } close)
        {
            _closeReceived = null;
            OnClose(close, now);
        }
        else if (State == HostSessionState.Outage && !_handshake.IsMakingKeys && !Link.IsOutage(now))
        {
            _handshake.Cancel();
            _reaskAt = long.MaxValue;
            State = HostSessionState.Established;
            _events.OnEstablished(HostSessionKind.Resumed, _info, now);
        }
        else if (State == HostSessionState.Closing)
        {
            GoOnClosing(now);
        }
    }

    private void OnAccept(ReadOnlySpan<byte> message, MacAddress source, long now)
    {
        switch (_handshake.OnAccept(message, source, out Accept accept))
        {
            case HostAnswer.Resumed:
                // The link itself shows when the outage is over; until then this was only a word.
                _targetAddress = source;
                Link!.OnPathRestored();
                _reaskAt = now + ReaskNanoseconds;
                break;
            case HostAnswer.Granted:
                _grantedSessionId = accept.TargetSessionId;
                _granted = HostSessionInfo.From(accept);
                break;
            case HostAnswer.Refused:
                _handshake.SlowDown();
                _events.OnRefused(accept.Status, isAuthentic: true, now);
                break;
            case HostAnswer.RefusedBySomebody:
                _events.OnRefused(accept.Status, isAuthentic: false, now);
                break;
            default:
                break;
        }
    }

    private void BeginSession(FrameCipher? cipher, long now)
    {
        _targetAddress = _handshake.TargetAddress;
        if (Link is not null)
        {
            Lose(SessionEnd.StateLost, reconnects: true, now);
            if (State != HostSessionState.Connecting)
            {
                // Closed by whoever heard of the loss.
                cipher?.Dispose();
                return;
            }
        }

        _hostSessionId = _handshake.HostSessionId;
        TargetSessionId = _grantedSessionId;
        _info = _granted;
        LinkOptions options = _options.Link with { MaximumTransmissionUnit = _info.MaximumTransmissionUnit };
        LinkEngine link = MakeLink(options, cipher, TargetSessionId, this, this, now);
        OpenTransmitter();
        State = HostSessionState.Established;

        // Also the frame that shows the target that this host has the keys.
        _clocks.Begin(link, now);
        HostSessionKind kind = _hadSession ? HostSessionKind.Replaced : HostSessionKind.New;
        _hadSession = true;
        _events.OnEstablished(kind, _info, now);
    }

    private void BeginOutage(long now)
    {
        State = HostSessionState.Outage;
        _handshake.Begin(TargetSessionId, isContinuation: true, now);
        _events.OnOutage(now);
    }

    private void OnClose(CloseMessage close, long now)
    {
        if (State == HostSessionState.Closing)
        {
            // An answer, or the target was about to close as well: the end either way.
            EndLink();
            State = HostSessionState.Closed;
        }
        else if (!close.IsAnswer)
        {
            bool reconnects = close.Reason == SessionEnd.Shutdown;
            Lose(close.Reason, reconnects, now);
            if (State == HostSessionState.Connecting)
            {
                Ask(now);
            }
        }
    }

    private void Lose(SessionEnd reason, bool reconnects, long now)
    {
        EndLink();
        _handshake.Cancel();
        State = reconnects ? HostSessionState.Connecting : HostSessionState.Lost;
        _events.OnLost(reason, reconnects, now);
    }

    /// <summary>Tells the target as soon as all has arrived there, or there is no more time; then a few times more.</summary>
    private void GoOnClosing(long now)
    {
        if (now < _close.Deadline && (_close.HasBegun || !Link!.IsDrained))
        {
            return;
        }

        if (_close.IsSpent)
        {
            EndLink();
            State = HostSessionState.Closed;
            return;
        }

        _close.Send(Link!, SessionEnd.Closed, now);
    }

    private void EndLink()
    {
        DropLink();
        _closeReceived = null;
        _close.Cancel();
        _reaskAt = long.MaxValue;
    }
}
