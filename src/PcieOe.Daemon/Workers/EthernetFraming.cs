using System.Buffers.Binary;
using PcieOe.Protocol.Ethernet;

namespace PcieOe.Daemon.Workers;

/// <summary>The Ethernet header that one port's settings put in front of the link's frames: EtherType, VLAN, priority.</summary>
public sealed class EthernetFraming
{
    /// <summary>Length of the header of a received frame, whose tag the port has taken off.</summary>
    public const int ReceivedHeaderLength = EthernetHeader.UntaggedLength;

    /// <summary>The most that <see cref="Write"/> writes.</summary>
    public const int MaximumHeaderLength = EthernetHeader.TaggedLength;

    private readonly ushort _etherType;
    private readonly ushort? _tag;

    /// <param name="vlanId">1 to 4094, or null for frames without a tag unless there is a priority.</param>
    /// <param name="priority">802.1p priority, 0 to 7.</param>
    public EthernetFraming(int etherType, int? vlanId, int priority)
    {
        _etherType = (ushort)etherType;
        _tag = vlanId is not null || priority != 0 ? EthernetHeader.MakeVlanTag(priority, vlanId ?? 0) : null;
    }

    public int HeaderLength => _tag is null ? ReceivedHeaderLength : MaximumHeaderLength;

    /// <summary>Writes <see cref="HeaderLength"/> bytes.</summary>
    public void Write(Span<byte> header, MacAddress destination, MacAddress source) =>
        new EthernetHeader(destination, source, _etherType, _tag).Write(header);

    /// <summary>Whether a received frame is one of ours.</summary>
    public bool Accepts(ReadOnlySpan<byte> frame) =>
        frame.Length > ReceivedHeaderLength && BinaryPrimitives.ReadUInt16BigEndian(frame[(2 * MacAddress.Length)..]) == _etherType;

    /// <summary>The sender's address of a frame that <see cref="Accepts"/> let in.</summary>
    public static MacAddress SourceOf(ReadOnlySpan<byte> frame) => MacAddress.Read(frame[MacAddress.Length..]);
}
