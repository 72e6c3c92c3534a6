namespace PcieOe.Protocol.Link;

/// <summary>Which safeguard is taken out (test hook: the simulation must notice each).</summary>
internal enum LinkSabotage : byte
{
    None = 0,

    /// <summary>A sequence number received twice is delivered twice.</summary>
    Duplicate,

    /// <summary>A frame number received twice is accepted twice.</summary>
    Replay,

    /// <summary>Time passes without effect: no probe, no keep-alive, nothing after an outage.</summary>
    Timer,

    /// <summary>Frames with a wrong check are accepted.</summary>
    Crc,
}
