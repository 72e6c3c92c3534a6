using System.Buffers.Binary;

namespace PcieOe.Protocol.Frames;

/// <summary>
/// The 48 bytes that every frame begins with, after the Ethernet header, big-endian (docs/wire-format.md, "Frame header"):
/// <code>
///  0       4       8              16                              32
///  +-------+-------+---------------+-------------------------------+
///  |version| type  |     flags     |  length of what follows       |   0
///  +-------+-------+---------------+-------------------------------+
///  |                   session (chosen by the receiver)            |   4
///  +---------------------------------------------------------------+
///  |                                                               |   8
///  |                         frame number                          |
///  +---------------------------------------------------------------+
///  |                        sequence number                        |  16
///  +---------------------------------------------------------------+
///  |                     next sequence expected                    |  20
///  +---------------------------------------------------------------+
///  |                                                               |  24
///  |      received: bit i is sequence next expected + 1 + i        |
///  +---------------------------------------------------------------+
///  |                   highest sequence permitted                  |  32
///  +---------------------------------------------------------------+
///  |           highest frame number received, low 32 bits          |  36
///  +---------------------------------------------------------------+
///  |            nanoseconds since that frame was received          |  40
///  +---------------------------------------------------------------+
///  |            time of sending, nanoseconds modulo 2^32           |  44
///  +---------------------------------------------------------------+
/// </code>
/// </summary>
public readonly record struct FrameHeader
{
    /// <summary>The version of the protocol that this code speaks.</summary>
    public const byte CurrentVersion = 1;

    /// <summary>Bytes of the header.</summary>
    public const int Length = 48;

    private const int FlagsOffset = 1;
    private const int BodyLengthOffset = 2;
    private const int SessionOffset = 4;
    private const int FrameNumberOffset = 8;
    private const int SequenceOffset = 16;
    private const int NextExpectedOffset = 20;
    private const int ReceivedOffset = 24;
    private const int PermittedOffset = 32;
    private const int EchoOffset = 36;
    private const int EchoDelayOffset = 40;
    private const int SentAtOffset = 44;

    public FrameType Type { get; init; }

    public FrameFlags Flags { get; init; }

    /// <summary>Bytes after the header, the check included; Ethernet's padding is not counted.</summary>
    public ushort BodyLength { get; init; }

    public uint SessionId { get; init; }

    /// <summary>Never used twice by one sender in one session, also not for a retransmission. Counts from 1; 0 in frames outside a session.</summary>
    public ulong FrameNumber { get; init; }

    /// <summary>In a data frame the place of its content; in others the sequence number that new content will have next.</summary>
    public SequenceNumber Sequence { get; init; }

    /// <summary>The sender of this frame has received everything before it.</summary>
    public SequenceNumber NextExpected { get; init; }

    /// <summary>Bit i: sequence number <see cref="NextExpected"/> + 1 + i has been received.</summary>
    public ulong Received { get; init; }

    /// <summary>The last sequence number for which the sender of this frame has room. Never retreats.</summary>
    public SequenceNumber Permitted { get; init; }

    /// <summary>The low 32 bits of the highest frame number received; 0 if none was.</summary>
    public uint EchoedFrameNumber { get; init; }

    /// <summary>Nanoseconds since the echoed frame was received, at most 2^32-1.</summary>
    public uint EchoDelayNanoseconds { get; init; }

    /// <summary>The sender's clock, nanoseconds modulo 2^32.</summary>
    public uint SentAtNanoseconds { get; init; }

    /// <summary>Writes the header to the first <see cref="Length"/> bytes of <paramref name="destination"/>.</summary>
    public void Write(Span<byte> destination)
    {
        destination = destination[..Length];
        destination[0] = (byte)(CurrentVersion << 4 | (byte)Type & 0x0F);
        destination[FlagsOffset] = (byte)Flags;
        BinaryPrimitives.WriteUInt16BigEndian(destination[BodyLengthOffset..], BodyLength);
        BinaryPrimitives.WriteUInt32BigEndian(destination[SessionOffset..], SessionId);
        BinaryPrimitives.WriteUInt64BigEndian(destination[FrameNumberOffset..], FrameNumber);
        BinaryPrimitives.WriteUInt32BigEndian(destination[SequenceOffset..], Sequence.Value);
        BinaryPrimitives.WriteUInt32BigEndian(destination[NextExpectedOffset..], NextExpected.Value);
        BinaryPrimitives.WriteUInt64BigEndian(destination[ReceivedOffset..], Received);
        BinaryPrimitives.WriteUInt32BigEndian(destination[PermittedOffset..], Permitted.Value);
        BinaryPrimitives.WriteUInt32BigEndian(destination[EchoOffset..], EchoedFrameNumber);
        BinaryPrimitives.WriteUInt32BigEndian(destination[EchoDelayOffset..], EchoDelayNanoseconds);
        BinaryPrimitives.WriteUInt32BigEndian(destination[SentAtOffset..], SentAtNanoseconds);
    }

    /// <summary>Reads a header whose version has been checked from the first <see cref="Length"/> bytes of <paramref name="source"/>.</summary>
    internal static FrameHeader Read(ReadOnlySpan<byte> source)
    {
        source = source[..Length];
        return new FrameHeader
        {
            Type = (FrameType)(source[0] & 0x0F),
            Flags = (FrameFlags)source[FlagsOffset],
            BodyLength = BinaryPrimitives.ReadUInt16BigEndian(source[BodyLengthOffset..]),
            SessionId = BinaryPrimitives.ReadUInt32BigEndian(source[SessionOffset..]),
            FrameNumber = BinaryPrimitives.ReadUInt64BigEndian(source[FrameNumberOffset..]),
            Sequence = new SequenceNumber(BinaryPrimitives.ReadUInt32BigEndian(source[SequenceOffset..])),
            NextExpected = new SequenceNumber(BinaryPrimitives.ReadUInt32BigEndian(source[NextExpectedOffset..])),
            Received = BinaryPrimitives.ReadUInt64BigEndian(source[ReceivedOffset..]),
            Permitted = new SequenceNumber(BinaryPrimitives.ReadUInt32BigEndian(source[PermittedOffset..])),
            EchoedFrameNumber = BinaryPrimitives.ReadUInt32BigEndian(source[EchoOffset..]),
            EchoDelayNanoseconds = BinaryPrimitives.ReadUInt32BigEndian(source[EchoDelayOffset..]),
            SentAtNanoseconds = BinaryPrimitives.ReadUInt32BigEndian(source[SentAtOffset..]),
        };
    }
}
