namespace PcieOe.Protocol.Tlp;

/// <summary>One completion of a memory read, as <see cref="CompletionSplitter"/> cuts them.</summary>
/// <param name="Offset">Where its data starts, counted from the read's first enabled byte.</param>
/// <param name="Bytes">Bytes of the read that it carries (for a zero-length read the one don't-care byte).</param>
/// <param name="LengthDoublewords">Its Length field: the doublewords that these bytes touch.</param>
/// <param name="ByteCount">Its Byte Count field: what the read still lacks, this piece included.</param>
/// <param name="LowerAddress">Its Lower Address field; its bits 1:0 are the padding before the first byte.</param>
public readonly record struct CompletionPiece(int Offset, int Bytes, int LengthDoublewords, int ByteCount, byte LowerAddress)
{
    /// <summary>Don't-care bytes between the header and the first byte of the read.</summary>
    public int PaddingBytes => LowerAddress & 3;

    public bool IsLast => Bytes == ByteCount;
}

/// <summary>Cuts the answer to a memory read at the read completion boundary (PCIe base spec. 2.3.1.1), in ascending order.</summary>
public struct CompletionSplitter
{
    private readonly int _maximumPayloadBytes;
    private readonly int _boundaryBytes;
    private ulong _address;
    private int _offset;
    private int _remaining;

    /// <param name="request">A memory read that keeps the rules.</param>
    /// <param name="maximumPayloadBytes">MPS: a power of two, 128 and more.</param>
    /// <param name="boundaryBytes">RCB: 64 or 128.</param>
    public CompletionSplitter(in TlpView request, int maximumPayloadBytes, int boundaryBytes)
        : this(request.Address + (uint)request.ByteEnables.FirstByteOffset, request.ByteEnables.ByteCount(request.LengthDoublewords), maximumPayloadBytes, boundaryBytes)
    {
    }

    /// <param name="address">Of the first enabled byte.</param>
    /// <param name="byteCount">1 to 4096.</param>
    public CompletionSplitter(ulong address, int byteCount, int maximumPayloadBytes, int boundaryBytes)
    {
        _address = address;
        _remaining = byteCount;
        _maximumPayloadBytes = maximumPayloadBytes;
        _boundaryBytes = boundaryBytes;
    }

    /// <summary>Bytes of the read that no piece has carried yet.</summary>
    public readonly int Remaining => _remaining;

    /// <summary>The next piece, without taking it.</summary>
    public readonly CompletionPiece Peek()
    {
        int padding = (int)(_address & 3);
        int bytes = _remaining;
        if (padding + bytes > _maximumPayloadBytes)
        {
            int end = (int)(_address & (uint)(_boundaryBytes - 1)) + _maximumPayloadBytes - padding & -_boundaryBytes;
            bytes = end - (int)(_address & (uint)(_boundaryBytes - 1));
        }

        return new CompletionPiece(_offset, bytes, padding + bytes + 3 >> 2, _remaining, (byte)(_address & 0x7F));
    }

    public bool TryNext(out CompletionPiece piece)
    {
        piece = Peek();
        _address += (uint)piece.Bytes;
        _offset += piece.Bytes;
        _remaining -= piece.Bytes;
        return piece.Bytes > 0;
    }
}
