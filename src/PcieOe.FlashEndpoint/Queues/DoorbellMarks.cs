namespace PcieOe.FlashEndpoint.Queues;

/// <summary>
/// Which entries came with which doorbell write, so that each command knows its arrival. Bounded: past the last mark, entries
/// count as arrived with the doorbell before, which is earlier than true, and their origin is not known.
/// </summary>
internal sealed class DoorbellMarks
{
    private const int Capacity = 32;
    private readonly Mark[] _marks = new Mark[Capacity];
    private int _first;
    private int _count;

    /// <summary>The doorbell of the next entry.</summary>
    public ref readonly Mark First => ref _marks[_first];

    public void Add(int tail, long now, ulong origin)
    {
        if (_count == Capacity)
        {
            ref Mark last = ref _marks[(_first + _count - 1) % Capacity];
            last.Tail = tail;
            last.Origin = 0;
        }
        else
        {
            _marks[(_first + _count++) % Capacity] = new Mark { Tail = tail, Nanoseconds = now, Origin = origin };
        }
    }

    /// <summary>The queue's head has moved past an entry.</summary>
    public void OnTaken(int head)
    {
        if (_count > 0 && _marks[_first].Tail == head)
        {
            _first = (_first + 1) % Capacity;
            _count--;
        }
    }

    public void Clear() => _first = _count = 0;

    internal struct Mark
    {
        public int Tail;
        public long Nanoseconds;
        public ulong Origin;
    }
}
