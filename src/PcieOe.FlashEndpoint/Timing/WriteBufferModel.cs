using System.Diagnostics;

namespace PcieOe.FlashEndpoint.Timing;

/// <summary>
/// The room in the drive's write buffer over time: bytes come in at once and leave when the program that carries them ends.
/// A heap of program ends, earliest first; it models time only and holds no data.
/// </summary>
internal sealed class WriteBufferModel
{
    private readonly PriorityHeap _programs;
    private readonly long _capacityBytes;
    private long _usedBytes;

    public WriteBufferModel(long capacityBytes, int maximumPrograms)
    {
        _capacityBytes = capacityBytes;
        _programs = new PriorityHeap(maximumPrograms);
    }

    /// <summary>Lets everything go whose program has ended by <paramref name="time"/>.</summary>
    public void ReleaseUntil(long time)
    {
        while (_programs.Count > 0 && _programs.EarliestTime <= time)
        {
            _usedBytes -= _programs.RemoveEarliest();
        }
    }

    /// <summary>Takes room if there is any.</summary>
    public bool TryTake(long bytes)
    {
        if (_usedBytes + bytes > _capacityBytes)
        {
            return false;
        }

        _usedBytes += bytes;
        return true;
    }

    /// <summary>When the next program ends; false when none is under way: what is in the buffer waits for its program to be asked for.</summary>
    public bool TryGetNextRelease(out long time)
    {
        time = _programs.Count > 0 ? _programs.EarliestTime : 0;
        return _programs.Count > 0;
    }

    /// <summary>Whether no further program can be noted before one ends.</summary>
    public bool IsProgramQueueFull => _programs.IsFull;

    /// <summary>Notes that <paramref name="bytes"/> taken earlier leave the buffer at <paramref name="end"/>.</summary>
    public void ReleaseAt(long end, long bytes)
    {
        Debug.Assert(!_programs.IsFull);
        _programs.Add(end, bytes);
    }

    /// <summary>A binary heap of (time, bytes) in two arrays of fixed size. Equal times leave in no particular, but a repeatable order.</summary>
    private sealed class PriorityHeap(int capacity)
    {
        private readonly long[] _times = new long[capacity];
        private readonly long[] _bytes = new long[capacity];

        public int Count { get; private set; }

        public bool IsFull => Count == _times.Length;

        public long EarliestTime => _times[0];

        public void Add(long time, long bytes)
        {
            int child = Count++;
            while (child > 0 && _times[(child - 1) >> 1] > time)
            {
                int parent = (child - 1) >> 1;
                (_times[child], _bytes[child]) = (_times[parent], _bytes[parent]);
                child = parent;
            }

            (_times[child], _bytes[child]) = (time, bytes);
        }

        public long RemoveEarliest()
        {
            long removed = _bytes[0];
            Count--;
            (long time, long bytes) = (_times[Count], _bytes[Count]);
            int parent = 0;
            while (true)
            {
                int child = (2 * parent) + 1;
                if (child >= Count)
                {
                    break;
                }

                if (child + 1 < Count && _times[child + 1] < _times[child])
                {
                    child++;
                }

                if (_times[child] >= time)
                {
                    break;
                }

                (_times[parent], _bytes[parent]) = (_times[child], _bytes[child]);
                parent = child;
            }

            (_times[parent], _bytes[parent]) = (time, bytes);
            return removed;
        }
    }
}
