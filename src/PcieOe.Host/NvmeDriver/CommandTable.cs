using System.Runtime.InteropServices;

namespace PcieOe.Host.NvmeDriver;

/// <summary>A command under way.</summary>
[StructLayout(LayoutKind.Auto)]
internal struct CommandSlot
{
    public BlockCommand Command;
    public long Deadline;
    public int Queue;

    /// <summary>Its place for write data in the controller's memory, or -1.</summary>
    public int DataPlace;

    /// <summary>Neighbours in the order of issue, or -1.</summary>
    public int Previous;
    public int Next;

    /// <summary>Counts the slot's uses, so that a late completion is not taken for the next command's.</summary>
    public byte Generation;
    public byte Reissues;
    public bool IsUsed;
    public bool IsAbortRequested;
}

/// <summary>
/// The commands under way, of all queues, in the order of their issue, which is that of their deadlines. A command identifier is the
/// slot's number and, above it, a generation.
/// </summary>
internal sealed class CommandTable
{
    /// <summary>What the slot's part of a command identifier can name.</summary>
    public const int MaximumCapacity = 1 << SlotBits;

    private const int SlotBits = 12;
    private const int SlotMask = MaximumCapacity - 1;
    private const int None = -1;

    private readonly CommandSlot[] _slots;
    private readonly int[] _free;
    private int _freeHead;
    private int _freeCount;
    private int _newest = None;

    public CommandTable(int capacity)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(capacity, MaximumCapacity);
        _slots = new CommandSlot[capacity];
        _free = new int[capacity];
        for (; _freeCount < capacity; _freeCount++)
        {
            _free[_freeCount] = _freeCount;
        }
    }

    public int Count => _slots.Length - _freeCount;

    public int Capacity => _slots.Length;

    public bool IsFull => _freeCount == 0;

    /// <summary>The slot issued first of all, or -1.</summary>
    public int Oldest { get; private set; } = None;

    public ref CommandSlot this[int slot] => ref _slots[slot];

    public int Add(in BlockCommand command)
    {
        int index = _free[_freeHead];
        _freeHead = (_freeHead + 1) % _free.Length;
        _freeCount--;
        ref CommandSlot slot = ref _slots[index];
        slot.Command = command;
        slot.DataPlace = None;
        slot.Reissues = 0;
        slot.IsUsed = true;
        slot.IsAbortRequested = false;
        Append(index);
        return index;
    }

    /// <summary>Frees a slot. The longest unused one is taken next.</summary>
    public void Remove(int index)
    {
        Unlink(index);
        _slots[index].IsUsed = false;
        _slots[index].Generation++;
        _free[(_freeHead + _freeCount) % _free.Length] = index;
        _freeCount++;
    }

    /// <summary>Gives a command a new deadline, later than all others'.</summary>
    public void Postpone(int index, long deadline)
    {
        Unlink(index);
        Append(index);
        _slots[index].Deadline = deadline;
    }

    /// <summary>A new generation of the same command: the old one may still be answered.</summary>
    public void Renew(int index) => _slots[index].Generation++;

    public ushort Identifier(int index) => (ushort)(index | _slots[index].Generation << SlotBits);

    /// <summary>The slot that a command identifier names, if it is the one in use.</summary>
    public bool TryFind(ushort identifier, out int index)
    {
        index = identifier & SlotMask;
        return index < _slots.Length && _slots[index].IsUsed && Identifier(index) == identifier;
    }

    private void Append(int index)
    {
        ref CommandSlot slot = ref _slots[index];
        slot.Previous = _newest;
        slot.Next = None;
        if (_newest == None)
        {
            Oldest = index;
        }
        else
        {
            _slots[_newest].Next = index;
        }

        _newest = index;
    }

    private void Unlink(int index)
    {
        ref CommandSlot slot = ref _slots[index];
        if (slot.Previous == None)
        {
            Oldest = slot.Next;
        }
        else
        {
            _slots[slot.Previous].Next = slot.Next;
        }

        if (slot.Next == None)
        {
            _newest = slot.Previous;
        }
        else
        {
            _slots[slot.Next].Previous = slot.Previous;
        }
    }
}
