namespace PcieOe.FlashEndpoint.Controller;

/// <summary>
/// Commands by the time at which flash would have done them: a binary heap of at most one item for each slot. Commands that end
/// before their time (aborted, reset) leave their item behind; the generation tells.
/// </summary>
internal sealed class ReadyHeap(int capacity)
{
    private readonly Item[] _items = new Item[capacity];
    private int _count;

    /// <summary>When the first is due; <see cref="long.MaxValue"/> without any.</summary>
    public long NextNanoseconds => _count == 0 ? long.MaxValue : _items[0].Time;

    public void Add(long time, Command command)
    {
        if (_count == _items.Length)
        {
            RemoveVoid();
        }

        int i = _count++;
        while (i > 0)
        {
            int parent = (i - 1) >> 1;
            if (_items[parent].Time <= time)
            {
                break;
            }

            _items[i] = _items[parent];
            i = parent;
        }

        _items[i] = new Item(time, command, command.Generation);
    }

    /// <summary>Takes the first command if it is due. Null: none is.</summary>
    public Command? TakeDue(long now)
    {
        while (_count > 0 && _items[0].Time <= now)
        {
            Item first = _items[0];
            RemoveFirst();
            if (first.IsValid)
            {
                return first.Command;
            }
        }

        return null;
    }

    public void Clear()
    {
        Array.Clear(_items, 0, _count);
        _count = 0;
    }

    private void RemoveFirst()
    {
        Item last = _items[--_count];
        _items[_count] = default;
        SiftDown(0, last);
    }

    private void SiftDown(int i, Item item)
    {
        if (_count == 0)
        {
            return;
        }

        for (; ; )
        {
            int child = 2 * i + 1;
            if (child >= _count)
            {
                break;
            }

            if (child + 1 < _count && _items[child + 1].Time < _items[child].Time)
            {
                child++;
            }

            if (_items[child].Time >= item.Time)
            {
                break;
            }

            _items[i] = _items[child];
            i = child;
        }

        _items[i] = item;
    }

    // Only valid items have a slot each, so this makes room.
    private void RemoveVoid()
    {
        int kept = 0;
        for (int i = 0; i < _count; i++)
        {
            if (_items[i].IsValid)
            {
                _items[kept++] = _items[i];
            }
        }

        Array.Clear(_items, kept, _count - kept);
        _count = kept;
        for (int i = kept / 2 - 1; i >= 0; i--)
        {
            SiftDown(i, _items[i]);
        }
    }

    private readonly record struct Item(long Time, Command Command, uint Generation)
    {
        public bool IsValid => Command.State == CommandState.Timed && Command.Generation == Generation;
    }
}
