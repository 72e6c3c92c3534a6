using System.Runtime.CompilerServices;

namespace PcieOe.Host.RootComplex;

/// <summary>
/// The memory that the device may reach: sorted ranges of bus addresses that do not overlap. It is the IOMMU of the bridge: what is not
/// mapped when a request arrives does not exist for the device, and an unmapped range is out of reach as soon as the call returns.
/// One thread uses it.
/// </summary>
internal sealed unsafe class DmaWindow
{
    /// <summary>As many as QEMU's client announces (max_dma_maps).</summary>
    public const int MaximumRanges = 65535;

    private DmaRange[] _ranges = new DmaRange[16];
    private int _count;
    private int _recent;

    public int Count => _count;

    public ulong MappedBytes { get; private set; }

    public DmaMapResult Map(ulong address, ulong length, byte* memory, IDmaMemory? client, DmaAccess access)
    {
        ulong last = unchecked(address + length - 1);
        if (length == 0 || last < address || (access & DmaAccess.ReadWrite) == 0)
        {
            return DmaMapResult.InvalidRange;
        }

        int index = UpperBound(address);
        if ((index > 0 && _ranges[index - 1].Last >= address) || (index < _count && _ranges[index].First <= last))
        {
            return DmaMapResult.Overlap;
        }

        if (_count == MaximumRanges)
        {
            return DmaMapResult.TooMany;
        }

        if (_count == _ranges.Length)
        {
            Array.Resize(ref _ranges, _count * 2);
        }

        Array.Copy(_ranges, index, _ranges, index + 1, _count - index);
        _ranges[index] = new DmaRange { First = address, Last = last, Memory = memory, Client = client, Access = access };
        _count++;
        MappedBytes += length;
        return DmaMapResult.Success;
    }

    public DmaMapResult Unmap(ulong address, ulong length)
    {
        int index = UpperBound(address) - 1;
        if (index < 0 || length == 0 || _ranges[index].First != address || _ranges[index].Last - address != length - 1)
        {
            return DmaMapResult.NotFound;
        }

        _count--;
        Array.Copy(_ranges, index + 1, _ranges, index, _count - index);
        _ranges[_count] = default;
        _recent = 0;
        MappedBytes -= length;
        return DmaMapResult.Success;
    }

    public void Clear()
    {
        Array.Clear(_ranges, 0, _count);
        _count = 0;
        _recent = 0;
        MappedBytes = 0;
    }

    /// <summary>The range that holds <paramref name="address"/>, or a null reference. Valid until the window changes.</summary>
    public ref readonly DmaRange Find(ulong address)
    {
        if (_recent < _count && _ranges[_recent].Contains(address))
        {
            return ref _ranges[_recent];
        }

        int index = UpperBound(address) - 1;
        if (index < 0 || !_ranges[index].Contains(address))
        {
            return ref Unsafe.NullRef<DmaRange>();
        }

        _recent = index;
        return ref _ranges[index];
    }

    /// <summary>What a transfer of <paramref name="length"/> bytes (at least 1) meets there.</summary>
    public DmaReach Reach(ulong address, int length, DmaAccess access)
    {
        bool isWhole = true;
        while (true)
        {
            ref readonly DmaRange range = ref Find(address);
            if (Unsafe.IsNullRef(in range) || (range.Access & access) == 0)
            {
                return DmaReach.Refused;
            }

            ulong available = range.Last - address;
            bool isLast = available >= (ulong)length - 1;
            if (range.Client is not null)
            {
                // Neighbouring ranges may share a request, but not when one of them is memory that must be asked for.
                return isLast && isWhole ? DmaReach.ThroughClient : DmaReach.Refused;
            }

            if (isLast)
            {
                return DmaReach.Direct;
            }

            isWhole = false;
            address = unchecked(address + available + 1);
            length -= (int)available + 1;
        }
    }

    /// <summary>Copies from memory. The caller has seen <see cref="DmaReach.Direct"/> for the range since the window last changed.</summary>
    public void Read(ulong address, Span<byte> destination)
    {
        while (!destination.IsEmpty)
        {
            Span<byte> piece = Direct(address, destination.Length);
            piece.CopyTo(destination);
            address += (ulong)piece.Length;
            destination = destination[piece.Length..];
        }
    }

    /// <summary>Copies to memory, under the same condition.</summary>
    public void Write(ulong address, ReadOnlySpan<byte> source)
    {
        while (!source.IsEmpty)
        {
            Span<byte> piece = Direct(address, source.Length);
            source[..piece.Length].CopyTo(piece);
            address += (ulong)piece.Length;
            source = source[piece.Length..];
        }
    }

    private Span<byte> Direct(ulong address, int length)
    {
        ref readonly DmaRange range = ref Find(address);
        int bytes = (int)Math.Min(range.Last - address, (ulong)length - 1) + 1;
        return new Span<byte>(range.Memory + (address - range.First), bytes);
    }

    /// <summary>The index of the first range that starts above <paramref name="address"/>.</summary>
    private int UpperBound(ulong address)
    {
        int low = 0;
        int high = _count;
        while (low < high)
        {
            int middle = (int)((uint)(low + high) >> 1);
            if (_ranges[middle].First <= address)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low;
    }
}
