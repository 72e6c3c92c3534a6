using PcieOe.Protocol.Frames;

namespace PcieOe.Protocol.Link;

/// <summary>
/// The sending half of a link: fills frames, says which goes next and when to ask after them. What the peer says of them
/// <see cref="AcknowledgementReader"/> takes in.
/// </summary>
internal sealed class LinkSender : IDisposable
{
    private const int MostBackoff = 40;
    private const int MostHoldDoublings = 8;
    private const long ShortestHold = 50_000;

    private readonly LinkOptions _options;
    private readonly int _contentBytes;
    private readonly long _leastProbe;
    private readonly long _longestBackoff;
    private readonly long _outage;
    private readonly RoundTripEstimator _roundTrip;
    private readonly CongestionWindow _congestion;
    private readonly AcknowledgementReader _acknowledgements;
    private int _reservedBytes;

    // Time-outs run from the last sign of life of the lane: data sent or acknowledged. They double at every second one.
    private long _probeBase;
    private long _progressAt;
    private int _backoff;
    private int _probesInSuccession;
    private bool _probePending;
    private bool _outageNoted;

    private int _failuresInSuccession;
    private long _lastSentAt;

    public LinkSender(LinkOptions options, int windowFrames, int contentBytes, int trailerBytes)
    {
        _options = options;
        _contentBytes = contentBytes;
        _leastProbe = options.MinimumProbeMicroseconds * 1000L;
        _longestBackoff = options.MaximumBackoffMilliseconds * 1_000_000L;
        _outage = options.OutageMilliseconds * 1_000_000L;
        _roundTrip = new RoundTripEstimator(options.InitialRoundTripMicroseconds * 1000L);
        _congestion = new CongestionWindow(windowFrames, options.DelayTargetMicroseconds * 1000L);
        Window = new SendWindow(windowFrames, contentBytes + trailerBytes, options.FirstSequence);
        _acknowledgements = new AcknowledgementReader(Window, Frames, _roundTrip, _congestion, options.FirstSequence);
    }

    public SendWindow Window { get; }

    public SentFrames Frames { get; } = new();

    public RoundTripEstimator RoundTrip => _roundTrip;

    public int CongestionWindowFrames => _congestion.Frames;

    /// <summary>Until when nothing is sent since the port had no room; 0 if it has.</summary>
    public long HoldUntil { get; private set; }

    public int RoomBytes
    {
        get
        {
            int room = Window.Open < 0 ? 0 : _contentBytes - Window[Window.Open].ContentBytes;
            return room > 0 ? room : CanOpen ? _contentBytes : 0;
        }
    }

    /// <summary>When a probe is due; long.MaxValue if nothing is outstanding.</summary>
    public long ProbeDeadline => Window.HasOutstanding ? _probeBase + Math.Min(ProbeTimeout << _backoff / 2, _longestBackoff) : long.MaxValue;

    /// <summary>Since when nothing has been acknowledged though something is outstanding; long.MaxValue if nothing is.</summary>
    public long UnacknowledgedSince => Window.HasOutstanding ? _progressAt : long.MaxValue;

    private long ProbeTimeout => Math.Max(
        _roundTrip.Smoothed + 4 * _roundTrip.Variation + _options.AckDelayMicroseconds * 1000L, _leastProbe);

    /// <summary>Frames that the windows let go now, beyond those under way.</summary>
    private int Allowed => Math.Max(0, Math.Min(_congestion.Frames - Window.InFlight, _acknowledgements.Permitted - Window.NextToSend + 1));

    private bool CanOpen => !Window.IsFull && Window.Unsent < Allowed + _options.UnsentFrames;

    public Span<byte> Reserve(int bytes)
    {
        if (bytes <= 0 || bytes > _contentBytes || (bytes & 3) != 0)
        {
            throw new ArgumentOutOfRangeException(nameof(bytes), bytes, "A TLP is a multiple of 4 bytes, and fits into a frame.");
        }

        _reservedBytes = 0;
        int slot = Window.Open;
        if (slot < 0 || Window[slot].ContentBytes + bytes > _contentBytes)
        {
            if (!CanOpen)
            {
                return default;
            }

            Window.Close();
            slot = Window.OpenNext();
        }

        _reservedBytes = bytes;
        return Window.Memory(slot).Slice(Window[slot].ContentBytes, bytes);
    }

    public void Commit(int bytes)
    {
        if (bytes < 0 || bytes > _reservedBytes || (bytes & 3) != 0)
        {
            throw new ArgumentOutOfRangeException(nameof(bytes), bytes, "At most what was reserved can be committed, in multiples of 4.");
        }

        Window[Window.Open].ContentBytes += bytes;
        _reservedBytes = 0;
    }

    /// <summary>As the other; the last <paramref name="dataBytes"/> of the reservation have this CRC-32C register.</summary>
    public void Commit(int bytes, int dataBytes, uint dataRegister)
    {
        if (dataBytes < 0 || dataBytes > bytes || (dataBytes & 3) != 0)
        {
            throw new ArgumentOutOfRangeException(nameof(dataBytes), dataBytes, "The data ends a TLP, and is a multiple of 4 bytes.");
        }

        Commit(bytes);
        ref SendSlot slot = ref Window[Window.Open];
        slot.CheckUpTo(slot.ContentBytes - dataBytes, Window.Memory(Window.Open));
        slot.AddChecked(dataBytes, dataRegister);
    }

    /// <summary>The last name given to a frame that has left; 0: none.</summary>
    public uint LastMarkSent { get; private set; }

    public void Mark(uint name)
    {
        if (Window.Open >= 0)
        {
            Window[Window.Open].LastMark = name;
        }
    }

    /// <summary>There is content that waits in a frame being filled.</summary>
    public bool HasOpenFrame => Window.Open >= 0 && Window[Window.Open].ContentBytes > 0;

    /// <summary>The data frame to send now; -1 if there is none or the windows are closed.</summary>
    /// <param name="mayCloseFrame">False: the frame being filled is not one.</param>
    public int NextSlot(bool mayCloseFrame, out TransmissionReason reason)
    {
        if (_probePending)
        {
            _probePending = false;
            if (Window.FirstOutstanding >= 0)
            {
                reason = _probesInSuccession > 1 ? TransmissionReason.Timer : TransmissionReason.Probe;
                return Window.FirstOutstanding;
            }
        }

        int slot = Window.FirstLost;
        reason = TransmissionReason.FastRetransmit;
        if (slot < 0)
        {
            slot = Window.FirstUnsent;
            reason = TransmissionReason.First;
        }

        if (slot < 0 || slot == Window.Open && !mayCloseFrame)
        {
            return -1;
        }

        if (Window.InFlight >= _congestion.Frames)
        {
            _congestion.OnLimited();
            return -1;
        }

        return reason == TransmissionReason.First && Window.NextToSend > _acknowledgements.Permitted ? -1 : slot;
    }

    /// <summary>Whether the peer should acknowledge the frame about to be sent at once: too few will follow to make it do so by itself.</summary>
    public bool WantsAcknowledgement(TransmissionReason reason) =>
        reason is TransmissionReason.Probe or TransmissionReason.Timer
        || Window.InFlight + 1 >= _congestion.Frames && _congestion.Frames < _options.AckEveryFrames;

    /// <summary>The frame <see cref="SentFrames.Next"/> leaves with this slot's content, or with none of the lane's (-1).</summary>
    public void OnSent(int slot, long now)
    {
        if (slot >= 0)
        {
            if (!Window.HasOutstanding)
            {
                _progressAt = now;
            }

            if (slot == Window.Open)
            {
                Window.Close();
                _reservedBytes = 0;
            }

            _probeBase = now;
            if (Window[slot].LastMark != 0)
            {
                LastMarkSent = Window[slot].LastMark;
                Window[slot].LastMark = 0;
            }

            Window.OnSent(slot, Frames.Next, now);
        }

        Frames.Add(now, slot);
        _lastSentAt = now;
    }

    /// <summary>The port did not take the last <paramref name="frames"/> frames.</summary>
    public void OnSendFailed(int frames)
    {
        for (ulong number = Frames.Next - (ulong)frames; number < Frames.Next; number++)
        {
            int slot = Frames.Knows(number) ? Frames.Slot(number) : -1;
            if (slot >= 0 && Window[slot].State == SendSlotState.InFlight && Window[slot].FrameNumber == number)
            {
                Window.OnLost(slot);
                _congestion.OnLoss(number, Frames.Next);
            }
        }

        HoldUntil = _lastSentAt + (ShortestHold << Math.Min(_failuresInSuccession++, MostHoldDoublings));
    }

    /// <summary>A genuine frame came: the path works.</summary>
    public void OnHeard()
    {
        _backoff = 0;
        _failuresInSuccession = 0;
    }

    /// <summary>The path is known to work again: what was sent meanwhile is asked after at once.</summary>
    public void OnPathRestored()
    {
        OnHeard();
        HoldUntil = 0;
        _probePending = true;
    }

    public void OnTimer(long now)
    {
        if (now >= HoldUntil)
        {
            HoldUntil = 0;
        }

        if (now < ProbeDeadline)
        {
            return;
        }

        _probePending = true;
        _probesInSuccession++;
        _backoff = Math.Min(_backoff + 1, MostBackoff);
        _probeBase = now;
        if (now - _progressAt >= _outage && !_outageNoted)
        {
            _outageNoted = true;
            _congestion.OnOutage(Frames.Next);
        }
    }

    /// <summary>
    /// Takes in what a genuine frame says of our frames. <paramref name="continuation"/> continues the header's bitmap, 64 bits big-endian
    /// each; <paramref name="newest"/>: no frame with a higher number came before it.
    /// </summary>
    public void OnAcknowledgement(
        in FrameHeader header, ReadOnlySpan<byte> continuation, bool newest, long now, ref LinkCounters counters)
    {
        if (_acknowledgements.Read(header, continuation, newest, now, ref counters))
        {
            _progressAt = _probeBase = now;
            _probesInSuccession = 0;
            _outageNoted = false;
        }
    }

    public void Dispose() => Window.Dispose();
}
