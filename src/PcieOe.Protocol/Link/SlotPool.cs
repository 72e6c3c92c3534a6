using System.Runtime.InteropServices;

namespace PcieOe.Protocol.Link;

/// <summary>
/// A fixed number of equal pieces of native memory. The last one given back is taken next, so that few are ever touched while few are in
/// use: the rest costs address space only.
/// </summary>
internal sealed unsafe class SlotPool : IDisposable
{
    private const int Alignment = 64;

    private readonly int _stride;
    private readonly int[] _free;
    private byte* _memory;
    private int _freeCount;

    public SlotPool(int slots, int slotBytes)
    {
        _stride = (slotBytes + Alignment - 1) & -Alignment;
        _free = new int[slots];
        for (int i = 0; i < slots; i++)
        {
            _free[i] = slots - 1 - i;
        }

        _freeCount = slots;
        SlotBytes = slotBytes;
        _memory = (byte*)NativeMemory.AlignedAlloc((nuint)slots * (nuint)_stride, Alignment);
    }

    ~SlotPool() => Free();

    public int SlotBytes { get; }

    /// <summary>Takes a slot; -1 if none is left.</summary>
    public int Take() => _freeCount == 0 ? -1 : _free[--_freeCount];

    public void Return(int slot) => _free[_freeCount++] = slot;

    /// <summary>The whole of a slot. Its content is undefined when it is taken.</summary>
    public Span<byte> this[int slot]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)slot, (uint)_free.Length);
            ObjectDisposedException.ThrowIf(_memory == null, this);
            return new Span<byte>(_memory + (long)slot * _stride, SlotBytes);
        }
    }

    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private void Free()
    {
        NativeMemory.AlignedFree(_memory);
        _memory = null;
    }
}
