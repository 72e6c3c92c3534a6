using System.Buffers;
using System.Buffers.Binary;

namespace PcieOe.Host.FrontEnds.Nbd.Protocol;

/// <summary>
/// The head of a request in the transmission phase. Data of a WRITE follows it.
/// <code>
///   0     4       6      8        16       24       28
///   magic | flags | type | cookie | offset | length |
/// </code>
/// </summary>
/// <param name="Cookie">The client's; handed back in replies as it is.</param>
internal readonly record struct RequestHeader(CommandFlags Flags, NbdCommand Command, ulong Cookie, ulong Offset, uint Length)
{
    internal const int Bytes = 28;

    internal uint PayloadBytes => Command == NbdCommand.Write ? Length : 0;

    /// <summary>False: what lies there is no request, and the stream cannot be understood any more.</summary>
    /// <param name="input">At least <see cref="Bytes"/>.</param>
    internal static bool TryParse(in ReadOnlySequence<byte> input, out RequestHeader header)
    {
        Span<byte> bytes = stackalloc byte[Bytes];
        input.Slice(0, Bytes).CopyTo(bytes);
        header = new RequestHeader(
            (CommandFlags)BinaryPrimitives.ReadUInt16BigEndian(bytes[4..]),
            (NbdCommand)BinaryPrimitives.ReadUInt16BigEndian(bytes[6..]),
            BinaryPrimitives.ReadUInt64BigEndian(bytes[8..]),
            BinaryPrimitives.ReadUInt64BigEndian(bytes[16..]),
            BinaryPrimitives.ReadUInt32BigEndian(bytes[24..]));
        return BinaryPrimitives.ReadUInt32BigEndian(bytes) == NbdMagic.Request;
    }
}
