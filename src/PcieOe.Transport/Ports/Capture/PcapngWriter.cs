using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;

namespace PcieOe.Transport.Ports.Capture;

/// <summary>Which way a frame went.</summary>
public enum FrameDirection : byte
{
    Received = 1,
    Sent = 2,
}

/// <summary>
/// Builds the blocks of a pcapng file (draft-ietf-opsawg-pcapng): section header, interface description, enhanced packets. Numbers are
/// little-endian here, as the section header says; timestamps are nanoseconds since 1970.
/// <code>
/// block:  type (4) | total length (4) | body, padded to 4 | total length (4)
/// option: code (2) | length (2) | value, padded to 4
/// </code>
/// </summary>
internal static class PcapngWriter
{
    /// <summary>An enhanced packet block without the frame: header, flags, drop count, end of options, length.</summary>
    internal const int PacketOverheadBytes = PacketHeaderBytes + PacketTrailerBytes;

    internal const int PacketHeaderBytes = 28;
    internal const int PacketTrailerBytes = 8 + 12 + 4 + 4;

    private const uint SectionHeaderBlock = 0x0A0D0D0A;
    private const uint InterfaceDescriptionBlock = 1;
    private const uint EnhancedPacketBlock = 6;
    private const uint ByteOrderMagic = 0x1A2B3C4D;
    private const ushort EthernetLinkType = 1;

    private const ushort EndOfOptions = 0;
    private const ushort ApplicationOption = 4;
    private const ushort InterfaceNameOption = 2;
    private const ushort TimestampResolutionOption = 9;
    private const ushort PacketFlagsOption = 2;
    private const ushort PacketDropCountOption = 4;
    private const byte NanosecondResolution = 9;

    /// <summary>The section header and the one interface.</summary>
    internal static byte[] BuildFileHeader(string interfaceName)
    {
        List<byte> file = [];
        List<byte> section = [.. Number(ByteOrderMagic), 1, 0, 0, 0];
        section.AddRange(Enumerable.Repeat((byte)0xFF, 8));
        AddOption(section, ApplicationOption, "PcieOe"u8);
        AddOption(section, EndOfOptions, []);
        AddBlock(file, SectionHeaderBlock, section);

        List<byte> description = [(byte)EthernetLinkType, 0, 0, 0, 0, 0, 0, 0];
        AddOption(description, InterfaceNameOption, Encoding.UTF8.GetBytes(interfaceName));
        AddOption(description, TimestampResolutionOption, [NanosecondResolution]);
        AddOption(description, EndOfOptions, []);
        AddBlock(file, InterfaceDescriptionBlock, description);
        return [.. file];
    }

    internal static int PaddingOf(int frameBytes) => -frameBytes & 3;

    /// <summary>What goes before a frame; <see cref="PacketHeaderBytes"/> long.</summary>
    internal static void WritePacketHeader(Span<byte> destination, int frameBytes, long timestampNanoseconds)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(destination, EnhancedPacketBlock);
        BinaryPrimitives.WriteInt32LittleEndian(destination[4..], TotalBytes(frameBytes));
        BinaryPrimitives.WriteInt32LittleEndian(destination[8..], 0);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[12..], (uint)(timestampNanoseconds >> 32));
        BinaryPrimitives.WriteUInt32LittleEndian(destination[16..], (uint)timestampNanoseconds);
        BinaryPrimitives.WriteInt32LittleEndian(destination[20..], frameBytes);
        BinaryPrimitives.WriteInt32LittleEndian(destination[24..], frameBytes);
    }

    /// <summary>What goes behind a frame and its padding; <see cref="PacketTrailerBytes"/> long.</summary>
    /// <param name="drops">Frames not captured since the one before.</param>
    internal static void WritePacketTrailer(Span<byte> destination, int frameBytes, FrameDirection direction, long drops)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(destination, PacketFlagsOption);
        BinaryPrimitives.WriteUInt16LittleEndian(destination[2..], sizeof(uint));
        BinaryPrimitives.WriteUInt32LittleEndian(destination[4..], (uint)direction);
        BinaryPrimitives.WriteUInt16LittleEndian(destination[8..], PacketDropCountOption);
        BinaryPrimitives.WriteUInt16LittleEndian(destination[10..], sizeof(long));
        BinaryPrimitives.WriteInt64LittleEndian(destination[12..], drops);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[20..], EndOfOptions);
        BinaryPrimitives.WriteInt32LittleEndian(destination[24..], TotalBytes(frameBytes));
    }

    internal static int TotalBytes(int frameBytes) => PacketOverheadBytes + frameBytes + PaddingOf(frameBytes);

    private static byte[] Number(uint value)
    {
        byte[] bytes = new byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, value);
        return bytes;
    }

    private static void AddOption(List<byte> body, ushort code, ReadOnlySpan<byte> value)
    {
        body.AddRange(Number((uint)(value.Length << 16 | code)));
        body.AddRange(value);
        CollectionsMarshal.SetCount(body, body.Count + PaddingOf(value.Length));
        CollectionsMarshal.AsSpan(body)[^PaddingOf(value.Length)..].Clear();
    }

    private static void AddBlock(List<byte> file, uint type, List<byte> body)
    {
        byte[] length = Number((uint)body.Count + 12);
        file.AddRange(Number(type));
        file.AddRange(length);
        file.AddRange(body);
        file.AddRange(length);
    }
}
