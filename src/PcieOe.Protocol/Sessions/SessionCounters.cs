namespace PcieOe.Protocol.Sessions;

/// <summary>What a target's table of sessions has counted since it began.</summary>
public struct SessionCounters
{
    public long Established;
    public long Replaced;
    public long Closed;
    public long LeasesExpired;

    /// <summary>Sessions whose host never showed that it has the keys.</summary>
    public long Unconfirmed;

    /// <summary>Frames dropped: the session they name does not exist (any more).</summary>
    public long StaleFrames;

    /// <summary>Frames dropped: of no type that a target takes, or of another version.</summary>
    public long ForeignFrames;
}
