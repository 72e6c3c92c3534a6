using PcieOe.Protocol.Frames;
using PcieOe.Protocol.Link;

namespace PcieOe.Protocol.Sessions;

/// <summary>
/// The content of a close frame (docs/wire-format.md, "Close"): 4 bytes, the reason, then 1 if this answers a close and 0 if it asks for
/// one, then zeros.
/// </summary>
internal readonly record struct CloseMessage(SessionEnd Reason, bool IsAnswer)
{
    public const int Length = 4;

    public static bool TryParse(ReadOnlySpan<byte> content, out CloseMessage message)
    {
        bool isClose = content.Length == Length && content[1] <= 1;
        message = isClose ? new CloseMessage((SessionEnd)content[0], content[1] == 1) : default;
        return isClose;
    }

    public void Write(Span<byte> content)
    {
        content = content[..Length];
        content.Clear();
        content[0] = (byte)Reason;
        content[1] = IsAnswer ? (byte)1 : (byte)0;
    }

    /// <summary>Queues the frame; what the link cannot take now is not sent.</summary>
    public void Send(LinkEngine link)
    {
        Span<byte> content = stackalloc byte[Length];
        Write(content);
        link.TryQueueControl(FrameType.Close, content);
    }
}
