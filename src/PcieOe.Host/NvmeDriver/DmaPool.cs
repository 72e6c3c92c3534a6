using System.Runtime.InteropServices;
using PcieOe.Host.Interop;

namespace PcieOe.Host.NvmeDriver;

/// <summary>
/// Memory that the device may reach, mapped once into the DMA window: queues, and the buffers of clients. Allocation is for setting up,
/// not for each command; any thread may ask.
/// </summary>
public sealed unsafe class DmaPool : IDisposable
{
    /// <summary>Where the device sees it: below 4 GiB, so that requests have the short header.</summary>
    internal const ulong BusBase = 0x1000_0000;

    internal const int PageBytes = 4096;
    private const nuint HugePageBytes = 2 << 20;

    private readonly Lock _gate = new();
    private readonly List<Piece> _free = [];
    private readonly Dictionary<nint, int> _allocated = [];
    private byte* _start;

    internal DmaPool(int bytes)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(bytes, PageBytes);
        Bytes = bytes & -PageBytes;
        _start = (byte*)NativeMemory.AlignedAlloc((nuint)Bytes, HugePageBytes);
        MemoryAdvice.PreferHugePages(_start, (nuint)Bytes);
        _free.Add(new Piece(0, Bytes));
    }

    public int Bytes { get; }

    internal nint Start => (nint)_start;

    /// <summary>Takes zeroed memory, page-aligned. False: not that much is left in one piece.</summary>
    public bool TryAllocate(int bytes, out nint address)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(bytes, 1);
        int rounded = checked(bytes + PageBytes - 1) & -PageBytes;
        lock (_gate)
        {
            for (int index = 0; index < _free.Count; index++)
            {
                Piece piece = _free[index];
                if (piece.Length < rounded)
                {
                    continue;
                }

                address = (nint)(_start + piece.Offset);
                new Span<byte>((void*)address, rounded).Clear();
                _allocated.Add(address, rounded);
                if (piece.Length == rounded)
                {
                    _free.RemoveAt(index);
                }
                else
                {
                    _free[index] = new Piece(piece.Offset + rounded, piece.Length - rounded);
                }

                return true;
            }
        }

        address = 0;
        return false;
    }

    /// <summary>Gives memory back. No command may use it any more.</summary>
    public void Free(nint address)
    {
        lock (_gate)
        {
            if (!_allocated.Remove(address, out int length))
            {
                throw new ArgumentException("This address was not allocated here.", nameof(address));
            }

            int offset = (int)(address - (nint)_start);
            int index = _free.FindIndex(piece => piece.Offset > offset);
            index = index < 0 ? _free.Count : index;
            _free.Insert(index, new Piece(offset, length));
            Join(index);
            Join(index - 1);
        }
    }

    internal bool Contains(nint address, int length)
    {
        long offset = address - (nint)_start;
        return offset >= 0 && offset + length <= Bytes;
    }

    /// <summary>The bus address of a byte of the pool.</summary>
    internal ulong BusAddress(nint address) => BusBase + (ulong)(address - (nint)_start);

    public void Dispose()
    {
        NativeMemory.AlignedFree(_start);
        _start = null;
    }

    private void Join(int index)
    {
        if (index >= 0 && index + 1 < _free.Count && _free[index].Offset + _free[index].Length == _free[index + 1].Offset)
        {
            _free[index] = new Piece(_free[index].Offset, _free[index].Length + _free[index + 1].Length);
            _free.RemoveAt(index + 1);
        }
    }

    private readonly record struct Piece(int Offset, int Length);
}
