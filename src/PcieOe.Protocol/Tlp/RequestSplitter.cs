namespace PcieOe.Protocol.Tlp;

/// <summary>
/// Cuts a range of memory into requests: none crosses 4 KiB, none spans more doublewords than MPS (writes) or MRRS (reads) allows, all
/// but the last end on a doubleword (PCIe base spec. 2.2.7).
/// </summary>
/// <param name="address">Any alignment; the range must not wrap round the address space.</param>
/// <param name="length">1 and more bytes.</param>
/// <param name="maximumBytes">MPS or MRRS: a power of two, 128 to 4096.</param>
public struct RequestSplitter(ulong address, int length, int maximumBytes)
{
    private readonly int _maximumBytes = maximumBytes;
    private ulong _address = address;
    private int _remaining = length;

    /// <summary>Bytes that are still to be cut.</summary>
    public readonly int Remaining => _remaining;

    /// <summary>Where the next request starts.</summary>
    public readonly ulong Address => _address;

    /// <summary>The most that one request at <paramref name="address"/> can take of <paramref name="length"/> bytes.</summary>
    public static int PieceBytes(ulong address, int length, int maximumBytes)
    {
        int toBoundary = TlpLimits.BoundaryBytes - (int)(address & (TlpLimits.BoundaryBytes - 1));
        int toMaximum = maximumBytes - (int)(address & (TlpLimits.DoublewordBytes - 1));
        return Math.Min(length, Math.Min(toBoundary, toMaximum));
    }

    public bool TryNext(out ulong pieceAddress, out int pieceLength)
    {
        pieceAddress = _address;
        pieceLength = PieceBytes(_address, _remaining, _maximumBytes);
        _address += (uint)pieceLength;
        _remaining -= pieceLength;
        return pieceLength > 0;
    }
}
