using System.Buffers.Binary;

namespace PcieOe.Protocol.Frames;

/// <summary>
/// The check at the end of a frame in the clear: CRC-32C over header and content, big-endian. The content's part can be kept while the
/// header changes.
/// </summary>
public static class FrameCheck
{
    /// <summary>Bytes of the check.</summary>
    public const int Length = sizeof(uint);

    /// <summary>The CRC-32C register that ran over the content from 0.</summary>
    public static uint ContentRegister(ReadOnlySpan<byte> content) => Crc32C.Append(0, content);

    /// <summary>Writes the check of a header and of content with this register (a multiple of 4 bytes) to the start of <paramref name="destination"/>.</summary>
    public static void Write(ReadOnlySpan<byte> header, uint contentRegister, int contentBytes, Span<byte> destination) =>
        Write(Crc32C.Join(HeaderRegister(header), contentRegister, contentBytes), destination);

    /// <summary>Writes the check of a header and of content of any length.</summary>
    public static void Write(ReadOnlySpan<byte> header, ReadOnlySpan<byte> content, Span<byte> destination) =>
        Write(Crc32C.Append(HeaderRegister(header), content), destination);

    /// <summary>Whether the check fits what it covers.</summary>
    public static bool Matches(ReadOnlySpan<byte> header, ReadOnlySpan<byte> content, ReadOnlySpan<byte> check) =>
        BinaryPrimitives.ReadUInt32BigEndian(check) == Crc32C.Finish(Crc32C.Append(HeaderRegister(header), content));

    private static uint HeaderRegister(ReadOnlySpan<byte> header) => Crc32C.AppendChain(Crc32C.Initial, header);

    private static void Write(uint register, Span<byte> destination) =>
        BinaryPrimitives.WriteUInt32BigEndian(destination, Crc32C.Finish(register));
}
