using PcieOe.Protocol.Frames;

namespace PcieOe.Protocol.Link;

/// <summary>Receives the frames of a session that belong to no lane: time, feedback, close. Each at most once, in no particular order.</summary>
public interface ILinkControlSink
{
    /// <summary>A genuine frame. The content is valid during the call only.</summary>
    void OnControl(FrameType type, ReadOnlySpan<byte> content, in FrameHeader header, long now);
}
