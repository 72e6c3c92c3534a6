using System.Text;
using PcieOe.Protocol.Clocks;
using PcieOe.Protocol.Ethernet;
using PcieOe.Protocol.Frames;
using PcieOe.Protocol.Handshake;
using PcieOe.Protocol.Keys;
using PcieOe.Protocol.Link;

namespace PcieOe.Protocol.Sessions;

/// <summary>
/// A target's end of a session: one host, one function. <see cref="TargetSessions"/> makes it, hands it frames, and ends it.
/// </summary>
public sealed class TargetSession : SessionEndpoint, ITlpSink, ILinkControlSink, IDisposable
{
    private readonly SessionLifecycle _lifecycle;
    private readonly CloseNotice _close = new(attempts: 3);
    private ITlpSink? _sink;
    private SessionEnd _closeReason;
    private bool _closeAsked;
    private long _lastHeardAt;
    private uint _lastMarkSeen;

    internal TargetSession(SessionLifecycle lifecycle, ReadySet ready, uint id, in Hello hello, string functionName, MacAddress source, long now)
        : base(ready, new SessionId(id).Index)
    {
        _lifecycle = lifecycle;
        _lastHeardAt = now;
        Id = id;
        HostSessionId = hello.HostSessionId;
        HostName = Encoding.UTF8.GetString(hello.HostName);
        HostNameUtf8 = hello.HostName.ToArray();
        RequestedFunctionUtf8 = hello.FunctionName.ToArray();
        FunctionName = functionName;
        FunctionNameUtf8 = NameField.Encode(functionName);
        PeerAddress = source;
        Start = hello.IsContinuation ? SessionStart.StateLost : SessionStart.Fresh;
        State = TargetSessionState.Opening;
    }

    /// <summary>The number in the frames that the host sends; its low bits are an index that no other session has at the time.</summary>
    public uint Id { get; }

    public string HostName { get; }

    public string FunctionName { get; }

    public MacAddress PeerAddress { get; internal set; }

    public required int MaximumTransmissionUnit { get; init; }

    /// <summary>Bits that both sides have.</summary>
    public required uint Capabilities { get; init; }

    public bool IsEstablished => State == TargetSessionState.Established;

    /// <summary>Whether a marked frame has left since the last call.</summary>
    public bool TakeHasMarkLeft()
    {
        uint last = LastMarkSent;
        bool hasLeft = last != _lastMarkSeen;
        _lastMarkSeen = last;
        return hasLeft;
    }

    /// <summary>Nothing has been acknowledged, or heard, for longer than a link takes when it works.</summary>
    public bool IsOutage(long now) => Link is { } link && link.IsOutage(now);

    /// <summary>When the host was heard last; monotonic nanoseconds.</summary>
    public long LastHeardAt => _lastHeardAt;

    internal TargetSessionState State { get; private set; }

    internal bool IsOpening => State == TargetSessionState.Opening;

    /// <summary>It holds no function yet.</summary>
    internal bool IsUnconfirmed => State is TargetSessionState.Opening or TargetSessionState.Pending;

    internal bool IsPending => State == TargetSessionState.Pending;

    /// <summary>Counts hellos, so that of two attempts the later one is known.</summary>
    internal long Order { get; init; }

    internal uint HostSessionId { get; }

    internal byte[] HostNameUtf8 { get; }

    /// <summary>The name in the hello, which may be empty.</summary>
    internal byte[] RequestedFunctionUtf8 { get; }

    internal byte[] FunctionNameUtf8 { get; }

    internal SessionStart Start { get; }

    /// <summary>The answer to the hello, for as long as the hello may be repeated.</summary>
    internal byte[] AcceptMessage { get; private set; } = [];

    /// <summary>When the session ends unless something happens.</summary>
    internal long ExpiresAt { get; private set; } = long.MaxValue;

    internal bool HasOpenFrame => Link is { HasOpenFrame: true };

    internal int SealScratchBytes => Link?.SealScratchBytes ?? 0;

    /// <summary>Before the host has confirmed, the link has nothing to do that time could ask for.</summary>
    internal long NextDeadline => MaySend ? Math.Min(Math.Min(Link!.NextDeadline, ExpiresAt), _close.Deadline) : ExpiresAt;

    /// <summary>The place of the session in whatever is kept for each session: from 0, and no other session has it at the time.</summary>
    public int Index => new SessionId(Id).Index;

    private bool MaySend => State is TargetSessionState.Established or TargetSessionState.Closing;

    /// <summary>
    /// The session's next frame (see <see cref="LinkEngine.TryGetFrameToSend"/>), for an owner that shares the port among sessions itself.
    /// </summary>
    public bool TryGetFrameToSend(
        long now,
        Span<byte> header,
        Span<byte> sealScratch,
        out ReadOnlySpan<byte> content,
        out MacAddress destination,
        bool mayCarryData = true,
        bool mayCloseFrame = true)
    {
        destination = PeerAddress;
        content = default;
        return MaySend && Link!.TryGetFrameToSend(now, header, sealScratch, out content, mayCarryData, mayCloseFrame);
    }

    void ITlpSink.OnTlps(ReadOnlySpan<byte> tlps, ulong frameNumber, long now)
    {
        if (State == TargetSessionState.Pending)
        {
            _lifecycle.Confirm(this, now);
        }

        _sink?.OnTlps(tlps, frameNumber, now);
    }

    void ILinkControlSink.OnControl(FrameType type, ReadOnlySpan<byte> content, in FrameHeader header, long now)
    {
        if (type == FrameType.Time)
        {
            TimeMessage.Answer(Link!, content, now);
        }
        else if (type == FrameType.Feedback && IsEstablished && FeedbackMessage.TryParse(content, out FeedbackMessage feedback))
        {
            _lifecycle.OnFeedback(this, feedback, now);
        }
        else if (type == FrameType.Close && CloseMessage.TryParse(content, out CloseMessage close))
        {
            // The link is at work further up the stack: what this means is done after it has returned.
            _closeAsked |= !close.IsAnswer;
        }
    }

    internal void OnKeysReady(FrameCipher? cipher, byte[] accept, LinkOptions options, long now, long expiresAt)
    {
        MakeLink(options with { MaximumTransmissionUnit = MaximumTransmissionUnit }, cipher, HostSessionId, this, this, now);
        AcceptMessage = accept;
        ExpiresAt = expiresAt;
        State = TargetSessionState.Pending;
    }

    /// <summary>The host has the keys: from here on the session counts. False: the policy does not want it after all.</summary>
    internal bool OnConfirmed(ITargetSessionPolicy policy, long now, long expiresAt)
    {
        State = TargetSessionState.Established;
        AcceptMessage = [];
        ExpiresAt = expiresAt;
        OpenTransmitter();
        _sink = policy.OnAttached(this, Start, now);
        return _sink is not null;
    }

    /// <summary>Takes a frame with this session's id. True: it was genuine, so the host is alive.</summary>
    internal bool OnFrame(ReadOnlySpan<byte> frame, long now)
    {
        if (Link is null || Link.OnFrame(frame, now) != FrameVerdict.Accepted)
        {
            return false;
        }

        _lastHeardAt = now;
        return true;
    }

    internal void ExtendLease(long expiresAt) => ExpiresAt = expiresAt;

    /// <summary>The host asked to close, and not been answered yet.</summary>
    internal bool TakeCloseRequest()
    {
        bool asked = _closeAsked;
        _closeAsked = false;
        return asked;
    }

    internal void AnswerClose()
    {
        if (Link is not null)
        {
            new CloseMessage(SessionEnd.Closed, IsAnswer: true).Send(Link);
        }
    }

    /// <summary>The session has ended for its function. What is left is to tell the host, for a short time.</summary>
    internal void BeginClosing(SessionEnd reason, bool tellsHost, long now)
    {
        State = TargetSessionState.Closing;
        _sink = null;
        CloseTransmitter();
        _closeReason = reason;
        ExpiresAt = now + _close.DurationNanoseconds;
        if (tellsHost && Link is not null)
        {
            _close.Send(Link, reason, now);
        }
    }

    internal void OnTimer(long now)
    {
        OnLinkTimer(now);
        if (now >= _close.Deadline && Link is not null)
        {
            _close.Send(Link, _closeReason, now);
        }
    }

    internal void LimitReceive(int frames) => Link?.LimitReceive(frames);

    internal void ReleaseReceive() => Link?.ReleaseReceive();

    internal void SendFeedback(in FeedbackMessage message)
    {
        if (Link is not null)
        {
            message.Send(Link);
        }
    }

    internal void OnPathRestored() => Link?.OnPathRestored();

    /// <summary>For <see cref="TargetSessions"/> alone, which owns its sessions.</summary>
    void IDisposable.Dispose() => Release();

    internal void Release()
    {
        State = TargetSessionState.Ended;
        _sink = null;
        DropLink();
    }
}
