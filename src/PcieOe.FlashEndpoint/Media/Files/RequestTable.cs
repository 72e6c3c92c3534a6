namespace PcieOe.FlashEndpoint.Media.Files;

/// <summary>
/// The requests under way on a file, in the order in which they came. One that overlaps an earlier one, where either changes content, waits for
/// it: the page cache would let a read see half of a write, and threads would let a late write win over a later one.
/// </summary>
internal sealed class RequestTable
{
    private const int None = -1;

    private readonly RequestState[] _requests;
    private readonly int[] _free;
    private readonly int[] _startable;
    private int _freeCount;
    private int _changes;
    private int _waiting;
    private int _first = None;
    private int _last = None;

    public RequestTable(int capacity)
    {
        _requests = new RequestState[capacity];
        _free = new int[capacity];
        _startable = new int[capacity];
        for (int i = 0; i < capacity; i++)
        {
            _free[i] = capacity - 1 - i;
        }

        _freeCount = capacity;
    }

    public int Count => _requests.Length - _freeCount;

    public ref RequestState this[int slot] => ref _requests[slot];

    /// <summary>Adds a request behind all others. Returns its slot, -1 if there is none left.</summary>
    /// <param name="mayStart">False: it waits until a <see cref="Remove"/> names it.</param>
    public int Add(in RequestState request, out bool mayStart)
    {
        mayStart = false;
        if (_freeCount == 0)
        {
            return None;
        }

        int slot = _free[--_freeCount];
        ref RequestState added = ref _requests[slot];
        added = request;
        added.Blockers = request.IsChange || _changes > 0 ? CountBlockers(request) : 0;
        added.Previous = _last;
        added.Next = None;
        (_last == None ? ref _first : ref _requests[_last].Next) = slot;
        _last = slot;
        _changes += request.IsChange ? 1 : 0;
        mayStart = added.Blockers == 0;
        _waiting += mayStart ? 0 : 1;
        return slot;
    }

    /// <summary>Takes a request out that has ended. Returns the slots of those that waited for it alone; valid until the next call.</summary>
    public ReadOnlySpan<int> Remove(int slot)
    {
        ref RequestState ended = ref _requests[slot];
        int startable = 0;
        if (_waiting > 0)
        {
            for (int later = ended.Next; later != None; later = _requests[later].Next)
            {
                ref RequestState waiting = ref _requests[later];
                if (waiting.Blockers > 0 && Conflict(ended, waiting) && --waiting.Blockers == 0)
                {
                    _startable[startable++] = later;
                }
            }
        }

        (ended.Previous == None ? ref _first : ref _requests[ended.Previous].Next) = ended.Next;
        (ended.Next == None ? ref _last : ref _requests[ended.Next].Previous) = ended.Previous;
        _changes -= ended.IsChange ? 1 : 0;
        _waiting -= startable;
        _free[_freeCount++] = slot;
        return _startable.AsSpan(0, startable);
    }

    private int CountBlockers(in RequestState request)
    {
        int blockers = 0;
        for (int earlier = _first; earlier != None; earlier = _requests[earlier].Next)
        {
            blockers += Conflict(_requests[earlier], request) ? 1 : 0;
        }

        return blockers;
    }

    private static bool Conflict(in RequestState one, in RequestState other) =>
        (one.IsChange || other.IsChange) && one.Offset < other.Offset + other.Length && other.Offset < one.Offset + one.Length;
}

/// <summary>A request under way, and the step it is at.</summary>
internal unsafe struct RequestState
{
    public MediaOperation Operation;
    public FileStepKind Step;

    /// <summary>Whether it ends with synchronising what it changed.</summary>
    public bool IsDurable;

    public long Offset;

    /// <summary>0 for a flush, which no range concerns.</summary>
    public long Length;

    public long DoneBytes;
    public byte* Data;
    public ulong Context;

    // The table's own.
    public int Previous;
    public int Next;

    /// <summary>Earlier requests under way that it has to wait for.</summary>
    public int Blockers;

    public readonly bool IsChange => Operation is MediaOperation.Write or MediaOperation.Deallocate or MediaOperation.WriteZeroes;
}
