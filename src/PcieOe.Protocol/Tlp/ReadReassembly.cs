namespace PcieOe.Protocol.Tlp;

/// <summary>What <see cref="ReadReassembly.Accept"/> made of a completion.</summary>
public enum ReassemblyResult : byte
{
    /// <summary>A piece; more are to come.</summary>
    Piece,

    /// <summary>The last piece.</summary>
    Last,

    /// <summary>The completer answered with an error: the read has ended, without data.</summary>
    Failed,

    /// <summary>The data came poisoned: the read has ended, its data must not be used.</summary>
    Poisoned,

    /// <summary>It contradicts the request or the pieces before it: its data must not be used.</summary>
    Malformed,
}

/// <summary>
/// The requester's side of one memory read: takes its completions in the order they must come in and believes none of their fields
/// (PCIe base spec. 2.3.1.1, 2.2.9). Length, position and end follow from the request alone.
/// </summary>
/// <param name="address">Of the first byte asked for.</param>
/// <param name="length">Bytes asked for: 1 to 4096, within 4 KiB.</param>
public struct ReadReassembly(ulong address, int length)
{
    /// <summary>The finest boundary that a completer may cut at, whatever its own is.</summary>
    private const int MinimumBoundaryBytes = 64;

    private readonly uint _address = (uint)address & (TlpLimits.BoundaryBytes - 1);
    private readonly int _length = length;
    private int _received;

    public readonly int Length => _length;

    /// <summary>Bytes that have come: the offset of the next piece.</summary>
    public readonly int Received => _received;

    /// <summary>Takes a completion whose requester ID and tag fit this read.</summary>
    /// <param name="offset">Where <paramref name="data"/> belongs, counted from the read's address.</param>
    /// <param name="data">The bytes asked for, without padding; empty unless the result is Piece or Last.</param>
    public ReassemblyResult Accept(scoped in TlpView completion, out int offset, out ReadOnlySpan<byte> data)
    {
        offset = _received;
        data = default;
        if (completion.CompletionStatus != CompletionStatus.SuccessfulCompletion)
        {
            return completion.Type.HasData ? ReassemblyResult.Malformed : ReassemblyResult.Failed;
        }

        uint at = _address + (uint)_received;
        int remaining = _length - _received;
        int padding = (int)(at & 3);
        int bytes = Math.Min(completion.Payload.Length - padding, remaining);
        if (bytes <= 0 || completion.ByteCount != remaining || completion.LowerAddress != (at & 0x7F) || completion.IsByteCountModified)
        {
            return ReassemblyResult.Malformed;
        }

        bool isLast = bytes == remaining;
        bool fits = isLast ? completion.LengthDoublewords == padding + bytes + 3 >> 2 : (at + (uint)bytes) % MinimumBoundaryBytes == 0;
        if (!fits)
        {
            return ReassemblyResult.Malformed;
        }

        if (completion.IsPoisoned)
        {
            return ReassemblyResult.Poisoned;
        }

        data = completion.Payload.Slice(padding, bytes);
        _received += bytes;
        return isLast ? ReassemblyResult.Last : ReassemblyResult.Piece;
    }
}
