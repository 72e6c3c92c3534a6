using System.Diagnostics;

namespace PcieOe.FlashEndpoint.Timing;

/// <summary>
/// The times one channel's bus is taken, so that a transfer which is ready early may go before one that was asked for earlier
/// but becomes ready later. Intervals are sorted, apart, and merged where they touch. At most <see cref="Capacity"/> are kept; beyond
/// that, gaps are lost, so that a transfer may be timed later than the bus would allow.
/// </summary>
internal sealed class ChannelSchedule
{
    public const int Capacity = 128;

    private readonly long[] _starts = new long[Capacity];
    private readonly long[] _ends = new long[Capacity];
    private int _count;

    /// <summary>Takes the bus for <paramref name="duration"/> at the first gap from <paramref name="earliest"/> on, and returns when that begins.</summary>
    /// <param name="now">What ended before it is forgotten; never later than any <paramref name="earliest"/> still to come.</param>
    public long Reserve(long earliest, long duration, long now)
    {
        Debug.Assert(earliest >= now && duration > 0);
        Forget(now);

        // From the end: most transfers come after all others.
        int position = _count;
        while (position > 0 && _starts[position - 1] >= earliest)
        {
            position--;
        }

        long start = position > 0 ? Math.Max(earliest, _ends[position - 1]) : earliest;
        while (position < _count && start + duration > _starts[position])
        {
            start = _ends[position];
            position++;
        }

        Insert(position, start, start + duration);
        return start;
    }

    private void Forget(long now)
    {
        int gone = 0;
        while (gone < _count && _ends[gone] <= now)
        {
            gone++;
        }

        if (gone > 0)
        {
            _count -= gone;
            Array.Copy(_starts, gone, _starts, 0, _count);
            Array.Copy(_ends, gone, _ends, 0, _count);
        }
    }

    private void Insert(int position, long start, long end)
    {
        // Without room for one more, the gap beside a neighbour is given up: it counts as taken.
        bool joinsPrevious = position > 0 && (_ends[position - 1] == start || _count == Capacity);
        bool joinsNext = position < _count && (_starts[position] == end || (_count == Capacity && position == 0));
        if (joinsPrevious && joinsNext)
        {
            _ends[position - 1] = _ends[position];
            RemoveAt(position);
        }
        else if (joinsPrevious)
        {
            _ends[position - 1] = end;
        }
        else if (joinsNext)
        {
            _starts[position] = start;
        }
        else
        {
            InsertAt(position, start, end);
        }
    }

    private void InsertAt(int position, long start, long end)
    {
        Array.Copy(_starts, position, _starts, position + 1, _count - position);
        Array.Copy(_ends, position, _ends, position + 1, _count - position);
        _starts[position] = start;
        _ends[position] = end;
        _count++;
    }

    private void RemoveAt(int position)
    {
        _count--;
        Array.Copy(_starts, position + 1, _starts, position, _count - position);
        Array.Copy(_ends, position + 1, _ends, position, _count - position);
    }
}
