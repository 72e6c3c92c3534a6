using System.Runtime.InteropServices;
using PcieOe.Protocol.Ethernet;
using PcieOe.Transport.Interop;

namespace PcieOe.Transport.Ports.Impairment;

/// <summary>A frame on its way through an <see cref="ImpairmentQueue"/>. Its bytes stay until it is given back.</summary>
public readonly unsafe struct ImpairedFrame(byte* data, int length, long timestampNanoseconds, ushort vlanTag, int slot)
{
    public byte* Data => data;

    public int Length => length;

    public long TimestampNanoseconds => timestampNanoseconds;

    public ushort VlanTag => vlanTag;

    internal int Slot => slot;
}

/// <summary>
/// One direction of a bad line: frames go in, and come out late, twice, changed, in another order, or not at all. No clock inside (time is
/// monotonic nanoseconds, handed in), everything from one seed, memory reserved once and touched as needed.
/// </summary>
public sealed unsafe class ImpairmentQueue : IDisposable
{
    private const long NanosecondsPerSecond = 1_000_000_000;
    private const long NanosecondsPerMillisecond = 1_000_000;
    private const long NanosecondsPerMicrosecond = 1000;
    private const int FrameAlignment = 64;
    private const int MaximumHeld = 64;

    private readonly ImpairmentOptions _options;
    private readonly NativeBuffer _memory;
    private readonly int _frameBytes;
    private readonly PriorityQueue<int, (long Due, long Order)> _underWay;
    private readonly int[] _free;
    private readonly FrameFacts[] _facts;
    private readonly Held[] _held = new Held[MaximumHeld];
    private SeededRandom _random;
    private ImpairmentCounters _counters;
    private int _freeCount;
    private int _heldCount;
    private int _lossesToCome;
    private long _order;
    private long _lineFreeAt;
    private long _lastDue = long.MinValue;
    private long _start = -1;

    /// <param name="maximumTransmissionUnit">Longer frames are lost.</param>
    public ImpairmentQueue(ImpairmentOptions options, int maximumTransmissionUnit)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        _options = options;
        _random = new SeededRandom(options.Seed);
        _frameBytes = (EthernetHeader.TaggedLength + maximumTransmissionUnit + FrameAlignment - 1) & ~(FrameAlignment - 1);
        _memory = new NativeBuffer((long)options.MaximumFrames * _frameBytes);
        _underWay = new PriorityQueue<int, (long, long)>(options.MaximumFrames);
        _facts = new FrameFacts[options.MaximumFrames];
        _free = new int[options.MaximumFrames];
        for (int i = 0; i < _free.Length; i++)
        {
            _free[i] = _free.Length - 1 - i;
        }

        _freeCount = _free.Length;
    }

    public ref readonly ImpairmentCounters Counters => ref _counters;

    /// <summary>Cuts the line until it is set back, beside the cuts of the options.</summary>
    public bool IsCut { get; set; }

    /// <summary>When the next frame comes out; <see cref="long.MaxValue"/> if none is under way.</summary>
    public long NextDeadline
    {
        get
        {
            long next = _underWay.TryPeek(out _, out (long Due, long Order) key) ? key.Due : long.MaxValue;
            for (int i = 0; i < _heldCount; i++)
            {
                next = Math.Min(next, _held[i].LatestDue);
            }

            return next;
        }
    }

    /// <summary>A frame of one or two pieces enters the line.</summary>
    public void Offer(ReadOnlySpan<byte> first, ReadOnlySpan<byte> second, long timestampNanoseconds, ushort vlanTag, long now)
    {
        _counters.Offered++;
        if (_start < 0)
        {
            _start = now;
        }

        // Each frame draws the same numbers whatever befalls it, so that one kind of mishap does not shift the others.
        bool isLost = _random.Chance(_options.LossProbability);
        bool isDuplicated = _random.Chance(_options.DuplicationProbability);
        bool isReordered = _random.Chance(_options.ReorderingProbability);
        bool isCorrupted = _random.Chance(_options.CorruptionProbability);
        long jitter = _random.Below(_options.JitterMicroseconds * NanosecondsPerMicrosecond + 1);
        long overtaking = 1 + _random.Below(_options.ReorderingFrames);

        if (IsCut || IsInCut(now))
        {
            _counters.Cut++;
            return;
        }

        if (_lossesToCome > 0)
        {
            _lossesToCome--;
            _counters.Lost++;
            return;
        }

        if (isLost)
        {
            _lossesToCome = _options.LossBurstFrames;
            _counters.Lost++;
            return;
        }

        int length = first.Length + second.Length;
        if (length > _frameBytes || length < EthernetHeader.UntaggedLength || !TryOccupyLine(length, now, out long leaves))
        {
            _counters.Overflowed++;
            return;
        }

        long due = Math.Max(leaves + _options.DelayMicroseconds * NanosecondsPerMicrosecond + jitter, _lastDue);
        _lastDue = due;
        if (!TryStore(first, second, timestampNanoseconds, vlanTag, out int slot))
        {
            _counters.Overflowed++;
            return;
        }

        if (isDuplicated && TryStore(first, second, timestampNanoseconds, vlanTag, out int copy))
        {
            _counters.Duplicated++;
            Send(copy, due);
        }

        if (isCorrupted)
        {
            _counters.Corrupted++;
            Span<byte> frame = new(At(slot), length);
            FrameCorruption.Apply(frame[EthernetHeader.UntaggedLength..], _options.Corruption, ref _random);
        }

        LetHeldFramesGo(due);
        if (isReordered && _heldCount < MaximumHeld)
        {
            _counters.Reordered++;
            _held[_heldCount++] = new Held(slot, overtaking, due + _options.ReorderingLimitMicroseconds * NanosecondsPerMicrosecond);
        }
        else
        {
            Send(slot, due);
        }
    }

    /// <summary>The next frame that leaves the line now. Give it back with <see cref="Release"/>.</summary>
    public bool TryTake(long now, out ImpairedFrame frame)
    {
        for (int i = _heldCount - 1; i >= 0; i--)
        {
            if (_held[i].LatestDue <= now)
            {
                LetGo(i, _held[i].LatestDue);
            }
        }

        if (!_underWay.TryPeek(out int slot, out (long Due, long Order) key) || key.Due > now)
        {
            frame = default;
            return false;
        }

        _underWay.Dequeue();
        _counters.Delivered++;
        ref readonly FrameFacts facts = ref _facts[slot];
        frame = new ImpairedFrame(At(slot), facts.Length, facts.TimestampNanoseconds, facts.VlanTag, slot);
        return true;
    }

    public void Release(in ImpairedFrame frame) => _free[_freeCount++] = frame.Slot;

    public void Dispose() => _memory.Dispose();

    private byte* At(int slot) => _memory.Pointer + (long)slot * _frameBytes;

    private bool IsInCut(long now)
    {
        if (_options.CutEveryMilliseconds == 0)
        {
            return false;
        }

        // Each period ends with the cut, so that a run begins with a working line.
        long period = _options.CutEveryMilliseconds * NanosecondsPerMillisecond;
        return (now - _start) % period >= period - _options.CutForMilliseconds * NanosecondsPerMillisecond;
    }

    /// <summary>When the frame's last bit leaves at the line's rate; false if too much waits already.</summary>
    private bool TryOccupyLine(int bytes, long now, out long leaves)
    {
        leaves = now;
        if (_options.BitsPerSecond <= 0)
        {
            return true;
        }

        double nanosecondsPerByte = 8.0 * NanosecondsPerSecond / _options.BitsPerSecond;
        long begins = Math.Max(now, _lineFreeAt);
        if ((begins - now) > _options.QueueBytes * nanosecondsPerByte)
        {
            return false;
        }

        _lineFreeAt = leaves = begins + (long)(bytes * nanosecondsPerByte);
        return true;
    }

    private bool TryStore(ReadOnlySpan<byte> first, ReadOnlySpan<byte> second, long timestampNanoseconds, ushort vlanTag, out int slot)
    {
        slot = -1;
        if (_freeCount == 0)
        {
            return false;
        }

        slot = _free[--_freeCount];
        Span<byte> destination = new(At(slot), _frameBytes);
        first.CopyTo(destination);
        second.CopyTo(destination[first.Length..]);
        _facts[slot] = new FrameFacts(first.Length + second.Length, vlanTag, timestampNanoseconds);
        return true;
    }

    private void Send(int slot, long due) => _underWay.Enqueue(slot, (due, _order++));

    /// <summary>One more frame has overtaken those that are held back.</summary>
    private void LetHeldFramesGo(long due)
    {
        for (int i = _heldCount - 1; i >= 0; i--)
        {
            if (--_held[i].FramesToWait < 0)
            {
                LetGo(i, due);
            }
        }
    }

    private void LetGo(int held, long due)
    {
        Send(_held[held].Slot, due);
        _held[held] = _held[--_heldCount];
    }

    private readonly record struct FrameFacts(int Length, ushort VlanTag, long TimestampNanoseconds);

    [StructLayout(LayoutKind.Auto)]
    private record struct Held(int Slot, long FramesToWait, long LatestDue);
}
