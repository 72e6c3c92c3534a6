using PcieOe.Protocol.Frames;
using PcieOe.Protocol.Keys;

namespace PcieOe.Protocol.Link;

/// <summary>
/// One session's link: an ordered, reliable lane of TLPs in each direction over frames that may be lost, duplicated, reordered or damaged.
/// It does no I/O and has no clock: frames and time (monotonic nanoseconds) are handed in. One thread; nothing allocates
/// after construction; nothing that a peer sends makes it throw or grow.
/// </summary>
/// <remarks>
/// It does not choose sessions: whoever owns it hands it the frames whose session id is its own. A poll round is: <see cref="OnFrame"/> for each
/// frame received, <see cref="OnTimer"/> when <see cref="NextDeadline"/> has passed, then <see cref="TryGetFrameToSend"/> until it says no.
/// </remarks>
public sealed class LinkEngine : ITlpTransmitter, IDisposable
{
    /// <summary>The most content that <see cref="TryQueueControl"/> takes.</summary>
    public const int MaximumControlBytes = 480;

    private const int SilentKeepAlives = 3;

    private readonly LinkOptions _options;
    private readonly uint _peerSessionId;
    private readonly ILinkControlSink _controlSink;
    private readonly int _trailerBytes;
    private readonly LinkSender _sender;
    private readonly LinkReceiver _receiver;
    private readonly FrameProtection _protection;
    private readonly ReplayGuard _replay = new();
    private readonly AcknowledgementSchedule _acknowledgements;
    private readonly ControlQueue _control;
    private readonly long _keepAlive;
    private readonly long _outage;
    private LinkCounters _counters;
    private long _lastSentAt;
    private long _lastHeardAt;
    private long _highestReceivedAt;

    /// <param name="cipher">Seals and opens frames; null for a link in the clear. It stays the caller's to dispose of.</param>
    /// <param name="peerSessionId">The session id that the peer chose: it goes into every frame.</param>
    /// <param name="sink">Receives the lane's content, in order, inside <see cref="OnFrame"/>. It may reserve and commit there.</param>
    /// <param name="control">Receives the frames outside the lane, inside <see cref="OnFrame"/>.</param>
    public LinkEngine(
        LinkOptions options, FrameCipher? cipher, uint peerSessionId, ITlpSink sink, ILinkControlSink control, long now)
    {
        IReadOnlyList<string> mistakes = options.Validate();
        if (mistakes.Count != 0)
        {
            throw new ArgumentException(string.Join(' ', mistakes), nameof(options));
        }

        _options = options;
        _peerSessionId = peerSessionId;
        _controlSink = control;
        _trailerBytes = FrameProtection.TrailerBytesOf(cipher);
        MaximumTlpBytes = (options.MaximumTransmissionUnit - FrameHeader.Length - _trailerBytes) & ~3;
        _protection = new FrameProtection(cipher, MaximumTlpBytes, acceptsAnyCheck: options.Sabotage == LinkSabotage.Crc);
        int windowFrames = Math.Min(options.WindowFrames, options.WindowBytes / MaximumTlpBytes);
        _sender = new LinkSender(options, windowFrames, MaximumTlpBytes, _trailerBytes);
        _receiver = new LinkReceiver(options, windowFrames, MaximumTlpBytes, sink);
        _acknowledgements = _receiver.Acknowledgements;
        _control = new ControlQueue(MaximumControlBytes, _trailerBytes);
        _keepAlive = options.KeepAliveMilliseconds * 1_000_000L;
        _outage = options.OutageMilliseconds * 1_000_000L;
        _lastSentAt = _lastHeardAt = now;
    }

    public ref readonly LinkCounters Counters => ref _counters;

    public int CongestionWindowFrames => _sender.CongestionWindowFrames;

    public long SmoothedRoundTripNanoseconds => _sender.RoundTrip.Smoothed;

    public long MinimumRoundTripNanoseconds => _sender.RoundTrip.Minimum;

    /// <summary>Nothing is filled, under way or lost: all that was committed has been acknowledged.</summary>
    public bool IsDrained => !_sender.Window.HasOutstanding && _sender.Window.FirstUnsent < 0;

    /// <summary>There is content that waits in a frame being filled.</summary>
    public bool HasOpenFrame => _sender.HasOpenFrame;

    /// <inheritdoc/>
    public int RoomBytes => _sender.RoomBytes;

    /// <inheritdoc/>
    public int MaximumTlpBytes { get; }

    /// <summary>Bytes of a frame's <c>sealScratch</c>: the largest content and its tag.</summary>
    public int SealScratchBytes => MaximumTlpBytes + _trailerBytes;

    /// <summary>When <see cref="OnTimer"/> is to be called next, if nothing else happens.</summary>
    public long NextDeadline => _options.Sabotage == LinkSabotage.Timer ? long.MaxValue
        : _sender.HoldUntil != 0 ? _sender.HoldUntil
        : Math.Min(Math.Min(_sender.ProbeDeadline, _acknowledgements.Deadline), _lastSentAt + _keepAlive);

    /// <summary>When <see cref="IsOutage"/> will become true, if nothing is heard until then.</summary>
    public long OutageDeadline
    {
        get
        {
            long since = _sender.UnacknowledgedSince;
            long silent = _lastHeardAt + SilentKeepAlives * _keepAlive;
            return since == long.MaxValue ? silent : Math.Min(since + _outage, silent);
        }
    }

    /// <summary>Nothing outstanding has been acknowledged for the outage time, or nothing was heard for three keep-alive intervals.</summary>
    public bool IsOutage(long now) => now >= OutageDeadline;

    /// <inheritdoc/>
    public Span<byte> Reserve(int bytes) => _sender.Reserve(bytes);

    /// <inheritdoc/>
    public void Commit(int bytes) => _sender.Commit(bytes);

    /// <inheritdoc/>
    public bool ChecksContent => _protection.ChecksContent;

    /// <inheritdoc/>
    public void Commit(int bytes, int dataBytes, uint dataRegister)
    {
        if (ChecksContent)
        {
            _sender.Commit(bytes, dataBytes, dataRegister);
        }
        else
        {
            _sender.Commit(bytes);
        }
    }

    /// <inheritdoc/>
    public void Mark(uint name) => _sender.Mark(name);

    /// <summary>
    /// Grows with each frame sent again, and with each frame number that has not come though a later one has: the same before and behind
    /// something means that nothing was lost meanwhile. Reordering makes it grow and shrink again.
    /// </summary>
    public long FramesLost => Counters.FastRetransmits + Counters.ProbeRetransmits + Counters.TimerRetransmits + (long)_replay.Highest - Counters.FramesReceived;

    /// <summary>The last name that <see cref="Mark"/> gave to a frame which <see cref="TryGetFrameToSend"/> has handed out; 0: none.</summary>
    public uint LastMarkSent => _sender.LastMarkSent;

    /// <summary>
    /// Queues one frame outside the lane (time, feedback, close): sent once, never again. False: four wait already, or the content is
    /// longer than <see cref="MaximumControlBytes"/>.
    /// </summary>
    public bool TryQueueControl(FrameType type, ReadOnlySpan<byte> content)
    {
        if (type is not (FrameType.Time or FrameType.Feedback or FrameType.Close))
        {
            throw new ArgumentOutOfRangeException(nameof(type), type, "Only time, feedback and close frames lie outside the lane.");
        }

        return _control.TryEnqueue(type, content);
    }

    /// <summary>
    /// Takes a frame of this session, from its own header on; Ethernet's padding may follow. Content that is due goes to the sink before
    /// this returns.
    /// </summary>
    public FrameVerdict OnFrame(ReadOnlySpan<byte> frame, long now)
    {
        if (!FrameView.TryParse(frame, out FrameView view) || !IsPlausible(view))
        {
            _counters.Malformed++;
            return FrameVerdict.Malformed;
        }

        FrameHeader header = view.Header;
        if (!_replay.IsFresh(header.FrameNumber) && _options.Sabotage != LinkSabotage.Replay)
        {
            _counters.Replays++;
            return FrameVerdict.Replayed;
        }

        if (!_protection.TryOpen(view, out ReadOnlySpan<byte> content))
        {
            _counters.CheckFailures++;
            return FrameVerdict.CheckFailed;
        }

        bool newest = header.FrameNumber > _replay.Highest;
        _replay.Mark(header.FrameNumber);
        if (newest)
        {
            _highestReceivedAt = now;
        }

        _counters.FramesReceived++;
        _counters.BytesReceived += FrameHeader.Length + header.BodyLength;
        _lastHeardAt = now;
        _sender.OnHeard();
        bool isAck = header.Type == FrameType.Ack;
        _sender.OnAcknowledgement(header, isAck ? content : default, newest, now, ref _counters);
        if (header.Type == FrameType.Data)
        {
            _receiver.OnData(header, content, now, ref _counters);
        }
        else if (!isAck)
        {
            _controlSink.OnControl(header.Type, content, header, now);
        }

        return FrameVerdict.Accepted;
    }

    /// <summary>Lets what is due by time happen. Early calls do nothing.</summary>
    public void OnTimer(long now)
    {
        if (_options.Sabotage == LinkSabotage.Timer)
        {
            return;
        }

        _sender.OnTimer(now);
        _acknowledgements.OnTimer(now);
        if (now - _lastSentAt >= _keepAlive)
        {
            _acknowledgements.Request();
        }
    }

    /// <summary>The owner knows that the path works again (a session resumed): asks after what is outstanding without waiting for a time-out.</summary>
    public void OnPathRestored()
    {
        if (_options.Sabotage == LinkSabotage.Timer)
        {
            return;
        }

        _sender.OnPathRestored();
        _acknowledgements.Request();
    }

    /// <summary>
    /// Permits the peer no more than this many frames beyond what has come, until the next call or <see cref="ReleaseReceive"/>. What was
    /// permitted before stays so; what comes beyond is dropped.
    /// </summary>
    public void LimitReceive(int frames) => _receiver.Limit(frames);

    /// <summary>Permits the whole window again.</summary>
    public void ReleaseReceive() => _receiver.Release();

    /// <summary>
    /// The next frame of this round: the header's 48 bytes are written to <paramref name="header"/>, and <paramref name="content"/> is what
    /// follows it, check included. In the clear that lies in the engine's native memory and stays as it is until the engine is called
    /// for anything but this method; keyed, it lies at the start of <paramref name="sealScratch"/>.
    /// A frame being filled is closed and sent, unless the caller knows that there is something to gain from keeping it back.
    /// </summary>
    /// <param name="sealScratch">At least <see cref="SealScratchBytes"/>, for each frame of a batch its own; not used in the clear.</param>
    /// <param name="mayCarryData">False: only what lies outside the lane, and an acknowledgement if one is due, since a policy holds the data back.</param>
    /// <param name="mayCloseFrame">False: a frame being filled stays so (<see cref="HasOpenFrame"/>), since more is going to come into it soon.</param>
    public bool TryGetFrameToSend(
        long now, Span<byte> header, Span<byte> sealScratch, out ReadOnlySpan<byte> content, bool mayCarryData = true, bool mayCloseFrame = true)
    {
        if (now < _sender.HoldUntil)
        {
            content = default;
            return false;
        }

        if (!_control.IsEmpty)
        {
            Span<byte> memory = _control.Dequeue(out FrameType type, out int bytes);
            _counters.ControlFramesSent++;
            content = Build(type, FrameFlags.None, header, sealScratch, memory, bytes, slot: -1, now);
            return true;
        }

        if (!_acknowledgements.IsWholeBitmapDue)
        {
            TransmissionReason reason = default;
            int slot = mayCarryData ? _sender.NextSlot(mayCloseFrame, out reason) : -1;
            if (slot >= 0)
            {
                content = BuildData(slot, reason, header, sealScratch, now);
                return true;
            }

            if (!_acknowledgements.IsDue)
            {
                content = default;
                return false;
            }
        }

        content = BuildAcknowledgement(header, sealScratch, now);
        return true;
    }

    /// <summary>The port did not take the last <paramref name="frames"/> frames that this engine gave: they count as lost on the wire.</summary>
    public void OnSendFailed(int frames)
    {
        if (frames <= 0)
        {
            return;
        }

        _counters.SendFailures += frames;
        _sender.OnSendFailed(frames);
        _acknowledgements.Request();
    }

    public void Dispose()
    {
        _sender.Dispose();
        _receiver.Dispose();
        _control.Dispose();
        _protection.Dispose();
    }

    private bool IsPlausible(in FrameView view) =>
        view.Header.Type is >= FrameType.Data and <= FrameType.Close
        && view.Body.Length >= _trailerBytes
        && view.Body.Length - _trailerBytes <= MaximumTlpBytes;

    private ReadOnlySpan<byte> BuildData(int slot, TransmissionReason reason, Span<byte> header, Span<byte> sealScratch, long now)
    {
        _counters.DataFramesSent++;
        _counters.FastRetransmits += reason == TransmissionReason.FastRetransmit ? 1 : 0;
        _counters.ProbeRetransmits += reason == TransmissionReason.Probe ? 1 : 0;
        _counters.TimerRetransmits += reason == TransmissionReason.Timer ? 1 : 0;
        FrameFlags flags = _sender.WantsAcknowledgement(reason) ? FrameFlags.AckRequested : FrameFlags.None;
        SendWindow window = _sender.Window;
        return Build(FrameType.Data, flags, header, sealScratch, window.Memory(slot), window[slot].ContentBytes, slot, now);
    }

    private ReadOnlySpan<byte> BuildAcknowledgement(Span<byte> header, Span<byte> sealScratch, long now)
    {
        Span<byte> memory = _control.AcknowledgementMemory;
        _counters.AckFramesSent++;
        return Build(FrameType.Ack, FrameFlags.None, header, sealScratch, memory, _receiver.WriteBitmap(memory), slot: -1, now);
    }

    private ReadOnlySpan<byte> Build(
        FrameType type, FrameFlags flags, Span<byte> header, Span<byte> sealScratch, Span<byte> memory, int contentBytes, int slot, long now)
    {
        ulong number = _sender.Frames.Next;
        header = header[..FrameHeader.Length];
        new FrameHeader
        {
            Type = type,
            Flags = flags | _protection.FlagsOf(number),
            BodyLength = (ushort)(contentBytes + _trailerBytes),
            SessionId = _peerSessionId,
            FrameNumber = number,
            Sequence = slot < 0 ? _sender.Window.NextToSend : _sender.Window[slot].Sequence,
            NextExpected = _receiver.Next,
            Received = _receiver.HeaderBitmap,
            Permitted = _receiver.Permitted,
            EchoedFrameNumber = (uint)_replay.Highest,
            EchoDelayNanoseconds = (uint)Math.Min(now - _highestReceivedAt, uint.MaxValue),
            SentAtNanoseconds = (uint)now,
        }.Write(header);

        ReadOnlySpan<byte> body = slot < 0
            ? _protection.Protect(number, header, memory, contentBytes, sealScratch)
            : _protection.Protect(number, header, memory, ref _sender.Window[slot], sealScratch);
        _sender.OnSent(slot, now);
        _acknowledgements.OnSent(wholeBitmap: type == FrameType.Ack);
        _lastSentAt = now;
        _counters.FramesSent++;
        _counters.BytesSent += FrameHeader.Length + body.Length;
        return body;
    }
}
