using System.Diagnostics;
using System.Numerics;
using System.Runtime.InteropServices;

namespace PcieOe.FlashEndpoint.Media.Files;

/// <summary>
/// A bounded queue from one thread to another. The producer alone writes the tail, the consumer alone the head; each publishes with
/// release and looks at the other's with acquire semantics, so an item is seen whole before its index and its place is free after it.
/// </summary>
internal sealed class SpscQueue<T>
    where T : unmanaged
{
    private readonly T[] _items;
    private readonly int _mask;
    private SpscIndexes _indexes;

    /// <param name="capacity">Rounded up to a power of two.</param>
    public SpscQueue(int capacity)
    {
        _items = new T[BitOperations.RoundUpToPowerOf2((uint)capacity)];
        _mask = _items.Length - 1;
    }

    public bool IsEmpty => Volatile.Read(ref _indexes.Head) == Volatile.Read(ref _indexes.Tail);

    /// <summary>The producer's. It must know that there is room.</summary>
    public void Add(in T item)
    {
        long tail = _indexes.Tail;
        Debug.Assert(tail - Volatile.Read(ref _indexes.Head) < _items.Length);
        _items[tail & _mask] = item;
        Volatile.Write(ref _indexes.Tail, tail + 1);
    }

    /// <summary>The consumer's.</summary>
    public bool TryTake(out T item)
    {
        long head = _indexes.Head;
        if (head == Volatile.Read(ref _indexes.Tail))
        {
            item = default;
            return false;
        }

        item = _items[head & _mask];
        Volatile.Write(ref _indexes.Head, head + 1);
        return true;
    }
}

/// <summary>Head and tail in cache lines of their own. (A generic type cannot say so of its members.)</summary>
[StructLayout(LayoutKind.Explicit, Size = 384)]
internal struct SpscIndexes
{
    [FieldOffset(128)]
    public long Head;

    [FieldOffset(256)]
    public long Tail;
}
