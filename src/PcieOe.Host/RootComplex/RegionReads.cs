using System.Runtime.InteropServices;

namespace PcieOe.Host.RootComplex;

/// <summary>A client's read of a BAR, until it is answered.</summary>
internal struct RegionRead
{
    public RegionReadState State;
    public byte Bar;
    public ushort Tag;
    public int Length;
    public ulong Offset;
    public ulong Context;
    public long Deadline;

}

internal enum RegionReadState : byte
{
    Free,

    /// <summary>To be sent: the function is being set up, or no tag is free.</summary>
    Held,
    Sent,

    /// <summary>Its request has ended; the answer is being given.</summary>
    Ended,
}

/// <summary>The region reads that wait for an answer, in slots with a buffer each, and how long they may wait.</summary>
internal sealed unsafe class RegionReads : IDisposable
{
    public const int Capacity = 64;

    private readonly RegionRead[] _slots = new RegionRead[Capacity];
    private readonly int[] _free = new int[Capacity];
    private readonly int[] _held = new int[Capacity];
    private byte* _buffers = (byte*)NativeMemory.AlignedAlloc(Capacity * IRemoteFunction.MaximumRegionAccessBytes, 4096);
    private int _freeCount;
    private int _heldHead;
    private int _heldCount;

    public RegionReads()
    {
        for (int slot = Capacity - 1; slot >= 0; slot--)
        {
            _free[_freeCount++] = slot;
        }
    }

    /// <summary>Not later than the earliest deadline.</summary>
    public long NextDeadline { get; private set; } = long.MaxValue;

    public int Count => Capacity - _freeCount;

    public ref RegionRead this[int slot] => ref _slots[slot];

    public Span<byte> Buffer(int slot) => new(_buffers + slot * IRemoteFunction.MaximumRegionAccessBytes, _slots[slot].Length);

    public bool TryAdd(int bar, ulong offset, int length, ulong context, long deadline, out int slot)
    {
        if (_freeCount == 0)
        {
            slot = -1;
            return false;
        }

        slot = _free[--_freeCount];
        ref RegionRead read = ref _slots[slot];
        read.State = RegionReadState.Held;
        read.Bar = (byte)bar;
        read.Offset = offset;
        read.Length = length;
        read.Context = context;
        read.Deadline = deadline;
        NextDeadline = Math.Min(NextDeadline, deadline);
        return true;
    }

    /// <summary>Puts a read that cannot be sent now behind the others of its kind.</summary>
    public void Hold(int slot)
    {
        _slots[slot].State = RegionReadState.Held;
        _held[(_heldHead + _heldCount++) % Capacity] = slot;
    }

    /// <summary>The oldest held read. It stays at the front until <see cref="RemoveHeld"/>.</summary>
    public bool TryPeekHeld(out int slot)
    {
        slot = _heldCount > 0 ? _held[_heldHead] : -1;
        return slot >= 0;
    }

    /// <summary>The oldest held read is on its way.</summary>
    public void RemoveHeld()
    {
        _heldHead = (_heldHead + 1) % Capacity;
        _heldCount--;
    }

    public void Remove(int slot)
    {
        if (_slots[slot].State == RegionReadState.Held)
        {
            RemoveFromHeld(slot);
        }

        _slots[slot].State = RegionReadState.Free;
        _free[_freeCount++] = slot;
    }

    /// <summary>Holds every read that was sent: a new session does not know them.</summary>
    public void HoldAllSent()
    {
        for (int slot = 0; slot < Capacity; slot++)
        {
            if (_slots[slot].State == RegionReadState.Sent)
            {
                Hold(slot);
            }
        }
    }

    /// <summary>One read whose deadline has come; the caller removes it.</summary>
    public bool TryGetExpired(long now, out int expired)
    {
        expired = -1;
        if (NextDeadline > now)
        {
            return false;
        }

        long earliest = long.MaxValue;
        for (int slot = 0; slot < Capacity; slot++)
        {
            if (_slots[slot].State == RegionReadState.Free)
            {
                continue;
            }

            if (_slots[slot].Deadline <= now)
            {
                expired = slot;
                return true;
            }

            earliest = Math.Min(earliest, _slots[slot].Deadline);
        }

        NextDeadline = earliest;
        return false;
    }

    public void Dispose()
    {
        NativeMemory.AlignedFree(_buffers);
        _buffers = null;
    }

    private void RemoveFromHeld(int slot)
    {
        int kept = 0;
        for (int index = 0; index < _heldCount; index++)
        {
            int held = _held[(_heldHead + index) % Capacity];
            if (held != slot)
            {
                _held[(_heldHead + kept++) % Capacity] = held;
            }
        }

        _heldCount = kept;
    }
}
