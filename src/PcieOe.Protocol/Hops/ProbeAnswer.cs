using System.Buffers.Binary;
using PcieOe.Protocol.Tlp;

namespace PcieOe.Protocol.Hops;

/// <summary>How a probe ended.</summary>
public enum ProbeStatus : byte
{
    Success = 0,

    /// <summary>One TLP cannot carry so much here, or the order makes no sense.</summary>
    Refused = 1,

    /// <summary>The read was answered with an error, or with what contradicts it.</summary>
    Failed = 2,
}

/// <summary>
/// Target to host, behind what a <see cref="ProbeOrder"/> asked for (docs/wire-format.md, "Probes"). A vendor-defined message of type 1, the
/// probe's name in its last doubleword, 6 doublewords of data, big-endian; instants are the target's monotonic nanoseconds.
/// <code>
///  0  status (8), zeros (24)    4  of a read: CRC-32C of its data (32)
///  8  instant at which the request was written into the lane (64)
/// 16  instant at which a read's last completion had come; of a write the same as before (64)
/// </code>
/// </summary>
public readonly record struct ProbeAnswer
{
    public const int PayloadBytes = 24;
    public const int WrittenLength = MessageHeader.WrittenLength + PayloadBytes;

    public uint Name { get; init; }

    public ProbeStatus Status { get; init; }

    public uint Check { get; init; }

    public long BegunAt { get; init; }

    public long EndedAt { get; init; }

    public void Write(Span<byte> destination, RoutingId requester)
    {
        MessageHeader.VendorDefined(MessageRouting.Local, requester, default, HopMark.VendorId, Name, PayloadBytes / 4).Write(destination);
        Span<byte> data = destination.Slice(MessageHeader.WrittenLength, PayloadBytes);
        BinaryPrimitives.WriteUInt32BigEndian(data, (uint)Status << 24);
        BinaryPrimitives.WriteUInt32BigEndian(data[4..], Check);
        BinaryPrimitives.WriteInt64BigEndian(data[8..], BegunAt);
        BinaryPrimitives.WriteInt64BigEndian(data[16..], EndedAt);
    }

    /// <summary>False: another message.</summary>
    public static bool TryParse(in TlpView message, out ProbeAnswer answer)
    {
        ReadOnlySpan<byte> data = message.Payload;
        if (!HopMark.IsOurs(message, PayloadBytes))
        {
            answer = default;
            return false;
        }

        answer = new ProbeAnswer
        {
            Name = message.MessageDoubleword3,
            Status = (ProbeStatus)data[0],
            Check = BinaryPrimitives.ReadUInt32BigEndian(data[4..]),
            BegunAt = BinaryPrimitives.ReadInt64BigEndian(data[8..]),
            EndedAt = BinaryPrimitives.ReadInt64BigEndian(data[16..]),
        };
        return true;
    }
}
