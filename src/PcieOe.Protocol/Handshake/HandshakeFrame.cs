using System.Buffers.Binary;
using PcieOe.Protocol.Frames;

namespace PcieOe.Protocol.Handshake;

/// <summary>
/// Frames outside a session (discover, offer, hello, challenge, accept): the frame header with its link fields zero, one message, and
/// CRC-32C over both. The CRC shows damage; who sent it is for the message's own MAC to show.
/// </summary>
internal static class HandshakeFrame
{
    public const int CheckBytes = sizeof(uint);

    /// <summary>The header's last fields, from the frame number on, mean nothing outside a session.</summary>
    private const int LinkFieldsOffset = 8;

    /// <summary>Writes header and check around the message that already lies at its place. Returns the frame's length.</summary>
    public static int Finish(Span<byte> frame, FrameType type, uint sessionId, int messageBytes)
    {
        var header = new FrameHeader { Type = type, SessionId = sessionId, BodyLength = (ushort)(messageBytes + CheckBytes) };
        header.Write(frame);
        int end = FrameHeader.Length + messageBytes;
        BinaryPrimitives.WriteUInt32BigEndian(frame[end..], Crc32C.Compute(frame[..end]));
        return end + CheckBytes;
    }

    /// <summary>The message of an undamaged frame. False: too short, damaged, or with a header that no frame outside a session has.</summary>
    public static bool TryOpen(in FrameView frame, out ReadOnlySpan<byte> message)
    {
        message = default;
        int messageBytes = frame.Body.Length - CheckBytes;
        if (messageBytes < 0 || frame.Header.Flags != FrameFlags.None || frame.HeaderBytes[LinkFieldsOffset..].ContainsAnyExcept((byte)0))
        {
            return false;
        }

        uint register = Crc32C.Append(Crc32C.Append(Crc32C.Initial, frame.HeaderBytes), frame.Body[..messageBytes]);
        if (Crc32C.Finish(register) != BinaryPrimitives.ReadUInt32BigEndian(frame.Body[messageBytes..]))
        {
            return false;
        }

        message = frame.Body[..messageBytes];
        return true;
    }
}
