using System.Buffers.Binary;
using PcieOe.Protocol.Ethernet;

namespace PcieOe.Daemon.Workers;

/// <summary>
/// The Ethernet header in front of the link's frames (IEEE 802.3, 802.1Q):
/// <code>
///  0         6        12       (12 | 16)  (14 | 18)
/// +---------+---------+- - - - -+----------+--------
/// | to      | from    | 8100 TCI| EtherType| frame
/// +---------+---------+- - - - -+----------+--------
/// </code>
/// </summary>
public sealed class EthernetFraming
{
    /// <summary>Length of the header of a received frame, whose tag the port has taken off.</summary>
    public const int ReceivedHeaderLength = 14;

    /// <summary>The most that <see cref="Write"/> writes.</summary>
    public const int MaximumHeaderLength = 18;

    private const ushort VlanTagProtocol = 0x8100;

    private readonly ushort _etherType;
    private readonly ushort? _tag;

    /// <param name="vlanId">1 to 4094, or null for frames without a tag unless there is a priority.</param>
    /// <param name="priority">802.1p priority, 0 to 7.</param>
    public EthernetFraming(int etherType, int? vlanId, int priority)
    {
        _etherType = (ushort)etherType;
        _tag = vlanId is not null || priority != 0 ? (ushort)(priority << 13 | (vlanId ?? 0)) : null;
    }

    public int HeaderLength => _tag is null ? ReceivedHeaderLength : MaximumHeaderLength;

    /// <summary>Writes <see cref="HeaderLength"/> bytes.</summary>
    public void Write(Span<byte> header, MacAddress destination, MacAddress source)
    {
        destination.Write(header);
        source.Write(header[MacAddress.Length..]);
        Span<byte> rest = header[(2 * MacAddress.Length)..];
        if (_tag is { } tag)
        {
            BinaryPrimitives.WriteUInt16BigEndian(rest, VlanTagProtocol);
            BinaryPrimitives.WriteUInt16BigEndian(rest[2..], tag);
            rest = rest[4..];
        }

        BinaryPrimitives.WriteUInt16BigEndian(rest, _etherType);
    }

    /// <summary>Whether a received frame is one of ours.</summary>
    public bool Accepts(ReadOnlySpan<byte> frame) =>
        frame.Length > ReceivedHeaderLength && BinaryPrimitives.ReadUInt16BigEndian(frame[(2 * MacAddress.Length)..]) == _etherType;

    /// <summary>The sender's address of a frame that <see cref="Accepts"/> let in.</summary>
    public static MacAddress SourceOf(ReadOnlySpan<byte> frame) => MacAddress.Read(frame[MacAddress.Length..]);
}
