namespace PcieOe.Transport.Policies.Gatekeeper;

/// <summary>Small numbers, each at most once, ordered by a key; equal keys by number, so that a run repeats exactly. Fixed memory.</summary>
internal sealed class IndexedHeap
{
    private const int Absent = -1;

    private readonly long[] _keys;
    private readonly int[] _heap;
    private readonly int[] _places;

    /// <param name="capacity">Members are 0 to this, exclusive.</param>
    internal IndexedHeap(int capacity)
    {
        _keys = new long[capacity];
        _heap = new int[capacity];
        _places = new int[capacity];
        Array.Fill(_places, Absent);
    }

    internal int Count { get; private set; }

    /// <summary>The member with the least key. Not of an empty heap.</summary>
    internal int First => _heap[0];

    /// <summary>The least key; <see cref="long.MaxValue"/> of an empty heap.</summary>
    internal long FirstKey => Count == 0 ? long.MaxValue : _keys[_heap[0]];

    internal bool Contains(int member) => _places[member] != Absent;

    internal void Add(int member, long key)
    {
        _keys[member] = key;
        Rise(member, Count++);
    }

    /// <summary>Gives the first member a key that is not less than its old one.</summary>
    internal void RaiseFirst(long key)
    {
        int member = _heap[0];
        _keys[member] = key;
        Sink(member, 0);
    }

    internal void Remove(int member)
    {
        int place = _places[member];
        if (place == Absent)
        {
            return;
        }

        _places[member] = Absent;
        int last = _heap[--Count];
        if (last == member)
        {
            return;
        }

        if (place > 0 && IsBefore(last, _heap[(place - 1) / 2]))
        {
            Rise(last, place);
        }
        else
        {
            Sink(last, place);
        }
    }

    private void Rise(int member, int place)
    {
        while (place > 0 && IsBefore(member, _heap[(place - 1) / 2]))
        {
            Put(_heap[(place - 1) / 2], place);
            place = (place - 1) / 2;
        }

        Put(member, place);
    }

    private void Sink(int member, int place)
    {
        while (true)
        {
            int child = 2 * place + 1;
            if (child >= Count)
            {
                break;
            }

            if (child + 1 < Count && IsBefore(_heap[child + 1], _heap[child]))
            {
                child++;
            }

            if (!IsBefore(_heap[child], member))
            {
                break;
            }

            Put(_heap[child], place);
            place = child;
        }

        Put(member, place);
    }

    private void Put(int member, int place)
    {
        _heap[place] = member;
        _places[member] = place;
    }

    private bool IsBefore(int left, int right) => _keys[left] != _keys[right] ? _keys[left] < _keys[right] : left < right;
}
