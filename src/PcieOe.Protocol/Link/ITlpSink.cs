namespace PcieOe.Protocol.Link;

/// <summary>The receiving end of a lane.</summary>
public interface ITlpSink
{
    /// <summary>
    /// The content of one frame, in order, exactly once: whole TLPs back to back, whose integrity the frame's check has shown.
    /// The span is valid during the call only. Whether they are TLPs that make sense is for the receiver to judge.
    /// </summary>
    /// <param name="tlps">One or more TLPs; a multiple of 4 bytes.</param>
    /// <param name="frameNumber">The number of the frame they came in.</param>
    void OnTlps(ReadOnlySpan<byte> tlps, ulong frameNumber, long now);
}
