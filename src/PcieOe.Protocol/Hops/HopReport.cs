using System.Buffers.Binary;
using PcieOe.Protocol.Tlp;

namespace PcieOe.Protocol.Hops;

/// <summary>
/// Target to host, beside the completion of a command that a <see cref="HopMark"/> named: where its time went at the target
/// (docs/wire-format.md, "Hop stamps"). A vendor-defined message of type 1, the mark's name in its last doubleword, 16 doublewords of
/// data, big-endian. Instants are the target's monotonic nanoseconds; durations saturate at 2^32 - 1 ns.
/// <code>
///  0  instant of arrival: the poll round that had the doorbell's frame (64)
///  8  target-rx (32)      12  policy-wait (32)   16  flash-queue (32)
/// 20  flash-cell (32)     24  flash-transfer (32)  28  target-queue (32)
/// 32  opcode (8), class (8), flags (8), zeros (8)  36  bytes of user data (32)
/// 40  number of the doorbell's frame (64)
/// 48  name of an earlier command whose completion has left (32; 0: none), 52  instant of that (64)
/// 60  before its arrival: how long the doorbell's frame had lain in the port's ring (32), if bit 0 of the flags is set
/// </code>
/// A frame's own leaving is not known while it is being filled, so it travels with a later report.
/// </summary>
public struct HopReport
{
    public const int PayloadBytes = 64;
    public const int WrittenLength = MessageHeader.WrittenLength + PayloadBytes;

    private const uint RingWaitKnownFlag = 1;

    public uint Name;
    public long ArrivedAt;
    public uint TargetReceive;
    public uint PolicyWait;
    public uint FlashQueue;
    public uint FlashCell;
    public uint FlashTransfer;
    public uint TargetQueue;
    public byte Opcode;

    /// <summary>Of the tenant's classes, the first is 1; 0: there is no policy.</summary>
    public byte Class;

    /// <summary>How long before <see cref="ArrivedAt"/> the target's kernel had the frame, by its receive timestamp.</summary>
    public uint RingWait;
    public bool IsRingWaitKnown;
    public uint DataBytes;
    public ulong FrameNumber;

    /// <summary>An earlier command's name, and when the frame with its completion left; 0: none.</summary>
    public uint LeftName;
    public long LeftAt;

    /// <summary>When the result began to be written; where target-tx starts.</summary>
    public readonly long WritingAt => ArrivedAt + TargetReceive + PolicyWait + FlashQueue + FlashCell + FlashTransfer + TargetQueue;

    public readonly void Write(Span<byte> destination, RoutingId requester)
    {
        MessageHeader.VendorDefined(MessageRouting.Local, requester, default, HopMark.VendorId, Name, PayloadBytes / 4).Write(destination);
        Span<byte> data = destination.Slice(MessageHeader.WrittenLength, PayloadBytes);
        BinaryPrimitives.WriteInt64BigEndian(data, ArrivedAt);
        BinaryPrimitives.WriteUInt32BigEndian(data[8..], TargetReceive);
        BinaryPrimitives.WriteUInt32BigEndian(data[12..], PolicyWait);
        BinaryPrimitives.WriteUInt32BigEndian(data[16..], FlashQueue);
        BinaryPrimitives.WriteUInt32BigEndian(data[20..], FlashCell);
        BinaryPrimitives.WriteUInt32BigEndian(data[24..], FlashTransfer);
        BinaryPrimitives.WriteUInt32BigEndian(data[28..], TargetQueue);
        BinaryPrimitives.WriteUInt32BigEndian(data[32..], (uint)Opcode << 24 | (uint)Class << 16 | (IsRingWaitKnown ? RingWaitKnownFlag << 8 : 0));
        BinaryPrimitives.WriteUInt32BigEndian(data[36..], DataBytes);
        BinaryPrimitives.WriteUInt64BigEndian(data[40..], FrameNumber);
        BinaryPrimitives.WriteUInt32BigEndian(data[48..], LeftName);
        BinaryPrimitives.WriteInt64BigEndian(data[52..], LeftAt);
        BinaryPrimitives.WriteUInt32BigEndian(data[60..], RingWait);
    }

    /// <summary>False: another message.</summary>
    public static bool TryParse(in TlpView message, out HopReport report)
    {
        ReadOnlySpan<byte> data = message.Payload;
        if (!HopMark.IsOurs(message, PayloadBytes))
        {
            report = default;
            return false;
        }

        report = new HopReport
        {
            Name = message.MessageDoubleword3,
            ArrivedAt = BinaryPrimitives.ReadInt64BigEndian(data),
            TargetReceive = BinaryPrimitives.ReadUInt32BigEndian(data[8..]),
            PolicyWait = BinaryPrimitives.ReadUInt32BigEndian(data[12..]),
            FlashQueue = BinaryPrimitives.ReadUInt32BigEndian(data[16..]),
            FlashCell = BinaryPrimitives.ReadUInt32BigEndian(data[20..]),
            FlashTransfer = BinaryPrimitives.ReadUInt32BigEndian(data[24..]),
            TargetQueue = BinaryPrimitives.ReadUInt32BigEndian(data[28..]),
            Opcode = data[32],
            Class = data[33],
            IsRingWaitKnown = (data[34] & RingWaitKnownFlag) != 0,
            DataBytes = BinaryPrimitives.ReadUInt32BigEndian(data[36..]),
            FrameNumber = BinaryPrimitives.ReadUInt64BigEndian(data[40..]),
            LeftName = BinaryPrimitives.ReadUInt32BigEndian(data[48..]),
            LeftAt = BinaryPrimitives.ReadInt64BigEndian(data[52..]),
            RingWait = BinaryPrimitives.ReadUInt32BigEndian(data[60..]),
        };
        return true;
    }
}
