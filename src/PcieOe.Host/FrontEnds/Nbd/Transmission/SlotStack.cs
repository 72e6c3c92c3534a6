namespace PcieOe.Host.FrontEnds.Nbd.Transmission;

/// <summary>Numbers of free slots.</summary>
internal sealed class SlotStack
{
    private readonly int[] _free;
    private int _count;

    internal SlotStack(int capacity)
    {
        _free = new int[capacity];
        for (int slot = capacity - 1; slot >= 0; slot--)
        {
            _free[_count++] = slot;
        }
    }

    internal int Used => _free.Length - _count;

    internal bool IsEmpty => _count == 0;

    internal int Take() => _free[--_count];

    internal void Return(int slot) => _free[_count++] = slot;
}
