namespace PcieOe.Protocol.Frames;

/// <summary>The second byte of a frame. Bits not listed are sent as zero and ignored.</summary>
[Flags]
public enum FrameFlags : byte
{
    None = 0,

    /// <summary>Which of two successive keys sealed the frame.</summary>
    KeyPhase = 1 << 0,

    /// <summary>The sender waits for this frame's acknowledgement: it is not to be delayed.</summary>
    AckRequested = 1 << 1,
}
