using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;

namespace PcieOe.Protocol.Functions;

/// <summary>
/// What a function tells a generic bridge about its BARs, as a vendor-specific extended capability (PCIe base spec. 7.9.5).
/// All words are little-endian doublewords:
/// <code>
///  0  extended capability header: id 000Bh 15:0, version 1 19:16, next 31:20
///  4  vendor-specific header: VSEC id 5043h 15:0, revision 1 19:16, length in bytes 31:20
///  8  signature 454F4350h ("PCOE"), since a VSEC id means nothing without its vendor
/// 12  entries, each: kind 7:0, doublewords of the entry 15:8, BAR 18:16, then its words
///       kind 1, write-only registers:  offset | count 15:0, stride in bytes 23:16, width in bytes 31:24
///       kind 2, mappable memory:       offset | length
///       kind 3, answers while unreachable: offset | values, for consecutive doublewords
///       kind 4, memory switch:         bit 0 1: the mappable memory is offered to drivers, 0: hidden from them (writable)
/// </code>
/// Entries of other kinds are skipped by their length. Not meant for a hot path.
/// </summary>
public sealed class BridgeHints
{
    public const ushort ExtendedCapabilityId = 0x000B;
    public const ushort VsecId = 0x5043;
    public const byte Revision = 1;
    public const uint Signature = 0x454F_4350;

    private const int HeaderBytes = 12;
    private const int FirstExtendedCapability = 0x100;
    private const int ConfigurationSpaceBytes = 4096;
    private const byte WriteOnlyRegistersKind = 1;
    private const byte MappableMemoryKind = 2;
    private const byte UnreachableAnswerKind = 3;
    private const byte MemorySwitchKind = 4;
    private const int MemorySwitchBytes = 8;
    private const int MaximumBar = 5;

    public static BridgeHints Empty { get; } = new();

    /// <summary>Registers that are only ever written, one by one, so that a bridge may watch memory in their place (doorbells).</summary>
    public IReadOnlyList<WriteOnlyRegisters> WriteOnlyRegisters { get; init; } = [];

    /// <summary>Plain memory without side effects: it may be mapped or prefetched, and writes to it may be merged.</summary>
    public IReadOnlyList<MappableMemory> MappableMemory { get; init; } = [];

    /// <summary>
    /// Where in the configuration space the doubleword lies whose bit 0 offers the mappable memory to drivers (1, as after power-on) or hides
    /// it; 0: there is none. Known once parsed. Where it is written it is the capability's last doubleword.
    /// </summary>
    public int MemorySwitchOffset { get; private init; }

    /// <summary>What registers answer while the function cannot be asked. A register not listed answers 0.</summary>
    public IReadOnlyList<UnreachableAnswer> UnreachableAnswers { get; init; } = [];

    /// <summary>Bytes of the capability, both headers included.</summary>
    public int WrittenLength
    {
        get
        {
            int bytes = HeaderBytes + 12 * (WriteOnlyRegisters.Count + MappableMemory.Count) + (MappableMemory.Count > 0 ? MemorySwitchBytes : 0);
            foreach (UnreachableAnswer answer in UnreachableAnswers)
            {
                bytes += 8 + 4 * answer.Values.Count;
            }

            return bytes;
        }
    }

    /// <summary>Writes the capability. <paramref name="next"/> is the offset of the next extended capability, or 0.</summary>
    public void Write(Span<byte> destination, int next)
    {
        int length = WrittenLength;
        WriteWord(ref destination, (uint)next << 20 | 1 << 16 | ExtendedCapabilityId);
        WriteWord(ref destination, (uint)length << 20 | Revision << 16 | VsecId);
        WriteWord(ref destination, Signature);
        foreach (WriteOnlyRegisters range in WriteOnlyRegisters)
        {
            WriteWord(ref destination, EntryHeader(WriteOnlyRegistersKind, 3, range.Bar));
            WriteWord(ref destination, range.OffsetBytes);
            WriteWord(ref destination, range.Count | (uint)range.StrideBytes << 16 | (uint)range.WidthBytes << 24);
        }

        foreach (MappableMemory range in MappableMemory)
        {
            WriteWord(ref destination, EntryHeader(MappableMemoryKind, 3, range.Bar));
            WriteWord(ref destination, range.OffsetBytes);
            WriteWord(ref destination, range.LengthBytes);
        }

        foreach (UnreachableAnswer answer in UnreachableAnswers)
        {
            WriteWord(ref destination, EntryHeader(UnreachableAnswerKind, 2 + answer.Values.Count, answer.Bar));
            WriteWord(ref destination, answer.OffsetBytes);
            foreach (uint value in answer.Values)
            {
                WriteWord(ref destination, value);
            }
        }

        if (MappableMemory.Count > 0)
        {
            WriteWord(ref destination, EntryHeader(MemorySwitchKind, MemorySwitchBytes / 4, MappableMemory[0].Bar));
            WriteWord(ref destination, 1);
        }
    }

    /// <summary>Looks for the capability in a whole configuration space (4096 bytes) and parses it. False: there is none, or it is malformed.</summary>
    public static bool TryFind(ReadOnlySpan<byte> configurationSpace, [NotNullWhen(true)] out BridgeHints? hints)
    {
        hints = null;
        if (configurationSpace.Length < ConfigurationSpaceBytes)
        {
            return false;
        }

        int offset = FirstExtendedCapability;
        for (int visited = 0; offset is >= FirstExtendedCapability and <= ConfigurationSpaceBytes - HeaderBytes && visited < 64; visited++)
        {
            uint header = BinaryPrimitives.ReadUInt32LittleEndian(configurationSpace[offset..]);
            if ((header & 0xFFFF) == ExtendedCapabilityId && TryParse(configurationSpace[offset..], offset, out hints))
            {
                return true;
            }

            offset = (int)(header >> 20) & ~3;
        }

        return false;
    }

    /// <summary>Parses the capability that starts <paramref name="source"/>. False: another vendor's, or malformed.</summary>
    /// <param name="offset">Where in the configuration space it lies.</param>
    public static bool TryParse(ReadOnlySpan<byte> source, int offset, [NotNullWhen(true)] out BridgeHints? hints)
    {
        hints = null;
        if (source.Length < HeaderBytes)
        {
            return false;
        }

        uint vsec = BinaryPrimitives.ReadUInt32LittleEndian(source[4..]);
        int length = (int)(vsec >> 20);
        if ((vsec & 0xFFFF) != VsecId || (vsec >> 16 & 0xF) != Revision || length < HeaderBytes || length > source.Length || length % 4 != 0
            || BinaryPrimitives.ReadUInt32LittleEndian(source[8..]) != Signature)
        {
            return false;
        }

        var registers = new List<WriteOnlyRegisters>();
        var memory = new List<MappableMemory>();
        var answers = new List<UnreachableAnswer>();
        int memorySwitch = 0;
        for (ReadOnlySpan<byte> rest = source[HeaderBytes..length]; rest.Length > 0;)
        {
            uint header = BinaryPrimitives.ReadUInt32LittleEndian(rest);
            int bytes = (int)(header >> 8 & 0xFF) * 4;
            byte bar = (byte)(header >> 16 & 7);
            if (bytes < 4 || bytes > rest.Length || bar > MaximumBar)
            {
                return false;
            }

            if (!TryParseEntry((byte)header, bar, rest[4..bytes], registers, memory, answers))
            {
                return false;
            }

            if ((byte)header == MemorySwitchKind && bytes == MemorySwitchBytes)
            {
                memorySwitch = offset + length - rest.Length + sizeof(uint);
            }

            rest = rest[bytes..];
        }

        hints = new BridgeHints { WriteOnlyRegisters = registers, MappableMemory = memory, UnreachableAnswers = answers, MemorySwitchOffset = memorySwitch };
        return true;
    }

    private static bool TryParseEntry(byte kind, byte bar, ReadOnlySpan<byte> words, List<WriteOnlyRegisters> registers,
        List<MappableMemory> memory, List<UnreachableAnswer> answers)
    {
        switch (kind)
        {
            case WriteOnlyRegistersKind:
                if (words.Length != 8)
                {
                    return false;
                }

                uint shape = BinaryPrimitives.ReadUInt32LittleEndian(words[4..]);
                var range = new WriteOnlyRegisters(bar, BinaryPrimitives.ReadUInt32LittleEndian(words), (ushort)shape, (byte)(shape >> 16), (byte)(shape >> 24));
                if (range.Count == 0 || range.WidthBytes is not (1 or 2 or 4 or 8) || range.StrideBytes < range.WidthBytes
                    || range.OffsetBytes % range.WidthBytes != 0 || range.StrideBytes % range.WidthBytes != 0)
                {
                    return false;
                }

                registers.Add(range);
                return true;
            case MappableMemoryKind:
                if (words.Length != 8)
                {
                    return false;
                }

                memory.Add(new MappableMemory(bar, BinaryPrimitives.ReadUInt32LittleEndian(words), BinaryPrimitives.ReadUInt32LittleEndian(words[4..])));
                return true;
            case UnreachableAnswerKind:
                if (words.Length < 8)
                {
                    return false;
                }

                uint[] values = new uint[words.Length / 4 - 1];
                for (int i = 0; i < values.Length; i++)
                {
                    values[i] = BinaryPrimitives.ReadUInt32LittleEndian(words[(4 + 4 * i)..]);
                }

                answers.Add(new UnreachableAnswer(bar, BinaryPrimitives.ReadUInt32LittleEndian(words), values));
                return true;
            default:
                return true;
        }
    }

    private static uint EntryHeader(byte kind, int doublewords, byte bar) => kind | (uint)doublewords << 8 | (uint)bar << 16;

    private static void WriteWord(ref Span<byte> destination, uint value)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(destination, value);
        destination = destination[4..];
    }
}
