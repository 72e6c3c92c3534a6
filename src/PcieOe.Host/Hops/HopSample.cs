using PcieOe.Protocol.Hops;

namespace PcieOe.Host.Hops;

/// <summary>The stamps of one command: this side's instants, and what the target says of its own.</summary>
internal struct HopSample
{
    /// <summary>0: not in use.</summary>
    public uint Id;
    public HopParts Known;

    /// <summary>A client's own doorbell: it ends where the agent's part ends, with the report.</summary>
    public bool IsDoorbell;

    public long BegunAt;
    public long IssuedAt;
    public long PostedAt;
    public long LeftAt;
    public long ReceivedAt;

    /// <summary>When the kernel had the frame with the report, which is that of the completion or the next; 0: unknown.</summary>
    public long KernelHadAt;

    /// <summary>The session's count of lost frames at its beginning, and whether it was another at its end.</summary>
    public long LostBefore;
    public bool IsRetransmitted;
    public long FoundAt;
    public long EndedAt;

    /// <summary>From the client's own clock readings around all of it.</summary>
    public long Whole;

    public HopReport Target;

    /// <summary>The target's instant at which the completion left there.</summary>
    public long TargetLeftAt;
}

/// <summary>What is known of a sample; it counts once everything is.</summary>
[Flags]
internal enum HopParts : byte
{
    None = 0,
    Posted = 1,
    Left = 2,
    Found = 4,
    Ended = 8,
    Reported = 16,
    TargetLeft = 32,
    All = Posted | Left | Found | Ended | Reported | TargetLeft,
}
