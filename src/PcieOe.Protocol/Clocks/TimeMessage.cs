using System.Buffers.Binary;
using PcieOe.Protocol.Frames;
using PcieOe.Protocol.Link;

namespace PcieOe.Protocol.Clocks;

/// <summary>
/// The content of a time frame (docs/wire-format.md, "Time"), 32 bytes, big-endian: kind (8; 0 asks, 1 answers), zeros (56), then the
/// instants of a four-timestamp exchange as far as they are known, each 64 bits of nanoseconds on its own side's monotonic clock:
/// asked, asked received, answered. The fourth, answer received, is never on the wire.
/// </summary>
internal readonly record struct TimeMessage(bool IsAnswer, long AskedAt, long AskReceivedAt, long AnsweredAt)
{
    public const int Length = 32;

    private const int AskedOffset = 8;
    private const int AskReceivedOffset = 16;
    private const int AnsweredOffset = 24;

    public static bool TryParse(ReadOnlySpan<byte> content, out TimeMessage message)
    {
        if (content.Length != Length || content[0] > 1)
        {
            message = default;
            return false;
        }

        message = new TimeMessage(
            content[0] == 1,
            BinaryPrimitives.ReadInt64BigEndian(content[AskedOffset..]),
            BinaryPrimitives.ReadInt64BigEndian(content[AskReceivedOffset..]),
            BinaryPrimitives.ReadInt64BigEndian(content[AnsweredOffset..]));
        return true;
    }

    public void Write(Span<byte> content)
    {
        content = content[..Length];
        content.Clear();
        content[0] = IsAnswer ? (byte)1 : (byte)0;
        BinaryPrimitives.WriteInt64BigEndian(content[AskedOffset..], AskedAt);
        BinaryPrimitives.WriteInt64BigEndian(content[AskReceivedOffset..], AskReceivedAt);
        BinaryPrimitives.WriteInt64BigEndian(content[AnsweredOffset..], AnsweredAt);
    }

    /// <summary>Queues the frame; what the link cannot take now is not sent.</summary>
    public void Send(LinkEngine link)
    {
        Span<byte> content = stackalloc byte[Length];
        Write(content);
        link.TryQueueControl(FrameType.Time, content);
    }

    /// <summary>Answers a peer that asks. The answer leaves in the same round, so one clock value serves for both instants.</summary>
    public static void Answer(LinkEngine link, ReadOnlySpan<byte> content, long now)
    {
        if (TryParse(content, out TimeMessage message) && !message.IsAnswer)
        {
            new TimeMessage(IsAnswer: true, message.AskedAt, now, now).Send(link);
        }
    }
}
