namespace PcieOe.Protocol.Functions;

/// <summary>The function's own name for a DMA read it asked for.</summary>
public readonly record struct DmaReadId(ulong Value);

/// <summary>How a DMA read ended.</summary>
public enum DmaReadStatus : byte
{
    Success,

    /// <summary>Nobody claims the address: the host's DMA window refused it (completion status UR).</summary>
    UnsupportedRequest,

    /// <summary>The completer failed (completion status CA), or the data came poisoned.</summary>
    CompleterAbort,

    /// <summary>No answer within the completion timeout.</summary>
    TimedOut,
}

/// <summary>What <see cref="IPcieFunction.Materialize"/> achieved.</summary>
public enum MaterializeResult : byte
{
    /// <summary>All is written; the token is spent.</summary>
    Completed,

    /// <summary>The writer ran out of room; call again with the same token before any other of this function.</summary>
    Partial,

    /// <summary>Nothing was written, since the destination is full (a completion queue). The function calls Ready again when there is room.</summary>
    Blocked,
}

/// <summary>Why a function is reset.</summary>
public enum FunctionResetKind : byte
{
    /// <summary>A new host, or the same one started anew: everything to power-on values, configuration space included.</summary>
    Conventional,

    /// <summary>Initiate Function Level Reset (PCIe base spec. 6.6.2).</summary>
    FunctionLevel,

    /// <summary>
    /// The host goes on with a function whose state was lost (the target restarted): power-on values, and a fatal status
    /// until the driver re-enables it (for NVMe CSTS.CFS until CC.EN is cleared).
    /// </summary>
    StateLost,
}
