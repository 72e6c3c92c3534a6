namespace PcieOe.Host.RootComplex;

/// <summary>Where a remote function stands, as its client sees it.</summary>
public enum RemoteFunctionState : byte
{
    /// <summary>Not enumerated yet: there is no description of it, and nothing but the DMA window works.</summary>
    Connecting,

    /// <summary>Enumerated and reachable.</summary>
    Up,

    /// <summary>
    /// Enumerated, but not reachable for now: an outage of the link, a reset, or a new session being set up. Config reads come from the
    /// shadow, posted writes are queued, region reads are held for a while.
    /// </summary>
    Outage,

    /// <summary>Taken away for good: everything reads as all ones, writes are dropped.</summary>
    Gone,
}

/// <summary>How a region read ended.</summary>
public enum RegionReadStatus : byte
{
    Success,

    /// <summary>The function could not be asked in time; the data is what its description gives for this case.</summary>
    Substituted,

    /// <summary>The function refused (UR, CA) or is gone; the data is all ones.</summary>
    Failed,
}

/// <summary>What the device may do with a range of the DMA window.</summary>
[Flags]
public enum DmaAccess : byte
{
    None = 0,
    Read = 1,
    Write = 2,
    ReadWrite = Read | Write,
}

/// <summary>The outcome of a change to the DMA window.</summary>
public enum DmaMapResult : byte
{
    Success,

    /// <summary>The range overlaps one that is mapped already.</summary>
    Overlap,

    /// <summary>No range was mapped with exactly this address and length.</summary>
    NotFound,

    /// <summary>The window holds as many ranges as it may.</summary>
    TooMany,

    /// <summary>Empty, wrapping around, or within the addresses reserved for interrupts.</summary>
    InvalidRange,
}

/// <summary>One base address register of the function as its client sees it. A 64-bit BAR takes two indexes, the second has size 0.</summary>
public readonly record struct BarDescription(ulong Size, bool Is64Bit, bool IsPrefetchable)
{
    public bool Exists => Size != 0;
}
