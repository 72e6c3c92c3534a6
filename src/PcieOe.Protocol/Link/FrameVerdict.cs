namespace PcieOe.Protocol.Link;

/// <summary>What became of a frame given to <see cref="LinkEngine.OnFrame"/>.</summary>
public enum FrameVerdict : byte
{
    /// <summary>Genuine and new: it proves that the peer of this session is alive. Its content may still have been a duplicate.</summary>
    Accepted,

    /// <summary>Not a frame of a session, or its length is impossible.</summary>
    Malformed,

    /// <summary>The check or tag at its end is wrong: damaged on the way, or of somebody without the key.</summary>
    CheckFailed,

    /// <summary>A frame number seen before, or too old to tell.</summary>
    Replayed,
}
