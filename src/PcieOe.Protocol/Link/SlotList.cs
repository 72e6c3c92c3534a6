namespace PcieOe.Protocol.Link;

/// <summary>A doubly linked list of send slots, linked through the slots themselves.</summary>
internal struct SlotList
{
    public static SlotList Empty => new() { First = -1, _last = -1 };

    private int _last;

    public int First { get; private set; }

    public int Count { get; private set; }

    public void Append(SendSlot[] slots, int slot)
    {
        slots[slot].Previous = _last;
        slots[slot].Next = -1;
        if (_last < 0)
        {
            First = slot;
        }
        else
        {
            slots[_last].Next = slot;
        }

        _last = slot;
        Count++;
    }

    public void Remove(SendSlot[] slots, int slot)
    {
        ref SendSlot entry = ref slots[slot];
        if (entry.Previous < 0)
        {
            First = entry.Next;
        }
        else
        {
            slots[entry.Previous].Next = entry.Next;
        }

        if (entry.Next < 0)
        {
            _last = entry.Previous;
        }
        else
        {
            slots[entry.Next].Previous = entry.Previous;
        }

        Count--;
    }
}
