using System.Buffers.Binary;

namespace PcieOe.Protocol.Frames;

/// <summary>
/// A frame as received, from its header on. <see cref="TryParse"/> has checked version and length, nothing else: neither the check at
/// the frame's end nor what the fields mean. No accessor fails.
/// </summary>
public readonly ref struct FrameView
{
    private const int SessionOffset = 4;

    private FrameView(ReadOnlySpan<byte> frame)
    {
        HeaderBytes = frame[..FrameHeader.Length];
        Header = FrameHeader.Read(HeaderBytes);
        Body = frame.Slice(FrameHeader.Length, Header.BodyLength);
    }

    public FrameHeader Header { get; }

    /// <summary>The header as it came: what the check covers.</summary>
    public ReadOnlySpan<byte> HeaderBytes { get; }

    /// <summary>What follows the header: content and check, without Ethernet's padding.</summary>
    public ReadOnlySpan<byte> Body { get; }

    /// <summary>False: too short, of another version, or its length field promises more than there is. Padding may follow the frame.</summary>
    public static bool TryParse(ReadOnlySpan<byte> frame, out FrameView view)
    {
        if (frame.Length < FrameHeader.Length
            || frame[0] >> 4 != FrameHeader.CurrentVersion
            || BinaryPrimitives.ReadUInt16BigEndian(frame[2..]) > frame.Length - FrameHeader.Length)
        {
            view = default;
            return false;
        }

        view = new FrameView(frame);
        return true;
    }

    /// <summary>Type and session of a frame, for whoever hands frames to sessions; false if it is no frame of this version.</summary>
    public static bool TryPeek(ReadOnlySpan<byte> frame, out FrameType type, out uint sessionId)
    {
        if (frame.Length < FrameHeader.Length || frame[0] >> 4 != FrameHeader.CurrentVersion)
        {
            type = default;
            sessionId = 0;
            return false;
        }

        type = (FrameType)(frame[0] & 0x0F);
        sessionId = BinaryPrimitives.ReadUInt32BigEndian(frame[SessionOffset..]);
        return true;
    }
}
