using System.Buffers.Binary;

namespace PcieOe.Protocol.Ethernet;

/// <summary>
/// The header of an Ethernet frame (IEEE 802.3, 3.1.1), with an IEEE 802.1Q tag if <see cref="VlanTag"/> is not null:
/// destination (6), source (6), [0x8100 (2), tag control information (2),] EtherType (2); big-endian.
/// </summary>
/// <param name="VlanTag">Priority in bits 15:13, drop eligibility in bit 12, VLAN in bits 11:0.</param>
public readonly record struct EthernetHeader(MacAddress Destination, MacAddress Source, ushort EtherType, ushort? VlanTag = null)
{
    public const int UntaggedLength = 14;
    public const int TaggedLength = 18;

    /// <summary>The EtherType of an 802.1Q tag.</summary>
    public const ushort VlanEtherType = 0x8100;

    public int WrittenLength => VlanTag is null ? UntaggedLength : TaggedLength;

    /// <summary>A tag of a priority (0 to 7) and a VLAN (0, priority alone, to 4094).</summary>
    public static ushort MakeVlanTag(int priority, int vlanId) => (ushort)((priority & 7) << 13 | vlanId & 0xFFF);

    /// <summary>Writes <see cref="WrittenLength"/> bytes, and returns how many.</summary>
    public int Write(Span<byte> destination)
    {
        Destination.Write(destination);
        Source.Write(destination[MacAddress.Length..]);
        int offset = 2 * MacAddress.Length;
        if (VlanTag is { } tag)
        {
            BinaryPrimitives.WriteUInt16BigEndian(destination[offset..], VlanEtherType);
            BinaryPrimitives.WriteUInt16BigEndian(destination[(offset + 2)..], tag);
            offset += 4;
        }

        BinaryPrimitives.WriteUInt16BigEndian(destination[offset..], EtherType);
        return offset + 2;
    }

    /// <summary>Reads the header at the start of a frame. False if the frame is too short for it.</summary>
    public static bool TryParse(ReadOnlySpan<byte> frame, out EthernetHeader header)
    {
        header = default;
        if (frame.Length < UntaggedLength)
        {
            return false;
        }

        MacAddress destination = MacAddress.Read(frame);
        MacAddress source = MacAddress.Read(frame[MacAddress.Length..]);
        ushort etherType = BinaryPrimitives.ReadUInt16BigEndian(frame[12..]);
        if (etherType != VlanEtherType)
        {
            header = new EthernetHeader(destination, source, etherType);
            return true;
        }

        if (frame.Length < TaggedLength)
        {
            return false;
        }

        header = new EthernetHeader(destination, source, BinaryPrimitives.ReadUInt16BigEndian(frame[16..]), BinaryPrimitives.ReadUInt16BigEndian(frame[14..]));
        return true;
    }
}
