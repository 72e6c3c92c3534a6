using System.Buffers.Binary;
using PcieOe.Protocol.Frames;
using PcieOe.Protocol.Link;

namespace PcieOe.Protocol.Sessions;

/// <summary>
/// The content of a feedback frame (docs/wire-format.md, "Feedback"), 24 bytes, big-endian: kind (8 bits, 0), zeros (24), how long the
/// rate holds in microseconds (32), the rate that the receiver of the frame may send at (64), and the rate at which its frames have been
/// arriving (64). Rates are bits a second, and count what a frame takes on the wire.
/// </summary>
public readonly record struct FeedbackMessage(long PermittedBitsPerSecond, long ArrivingBitsPerSecond, int HoldMicroseconds)
{
    public const int Length = 24;

    /// <summary>The longest that one message holds; a longer time is taken for this.</summary>
    public const int MaximumHoldMicroseconds = 1_000_000;

    private const int HoldOffset = 4;
    private const int PermittedOffset = 8;
    private const int ArrivingOffset = 16;

    public static bool TryParse(ReadOnlySpan<byte> content, out FeedbackMessage message)
    {
        message = default;
        if (content.Length != Length || content[0] != 0)
        {
            return false;
        }

        uint hold = BinaryPrimitives.ReadUInt32BigEndian(content[HoldOffset..]);
        long permitted = BinaryPrimitives.ReadInt64BigEndian(content[PermittedOffset..]);
        long arriving = BinaryPrimitives.ReadInt64BigEndian(content[ArrivingOffset..]);
        message = new FeedbackMessage(permitted, arriving, (int)Math.Min(hold, MaximumHoldMicroseconds));
        return permitted > 0 && arriving >= 0;
    }

    /// <summary>Writes <see cref="Length"/> bytes.</summary>
    public void Write(Span<byte> content)
    {
        content = content[..Length];
        content.Clear();
        BinaryPrimitives.WriteUInt32BigEndian(content[HoldOffset..], (uint)HoldMicroseconds);
        BinaryPrimitives.WriteInt64BigEndian(content[PermittedOffset..], PermittedBitsPerSecond);
        BinaryPrimitives.WriteInt64BigEndian(content[ArrivingOffset..], ArrivingBitsPerSecond);
    }

    /// <summary>Queues the frame; what the link cannot take now is not sent.</summary>
    internal void Send(LinkEngine link)
    {
        Span<byte> content = stackalloc byte[Length];
        Write(content);
        link.TryQueueControl(FrameType.Feedback, content);
    }
}
