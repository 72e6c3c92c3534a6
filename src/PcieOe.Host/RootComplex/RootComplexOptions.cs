namespace PcieOe.Host.RootComplex;

/// <summary>Limits and times of one root complex.</summary>
internal sealed record RootComplexOptions
{
    /// <summary>
    /// How long a non-posted request may go unanswered: the completion timeout, and also the longest that the first register reads of an
    /// outage are held.
    /// </summary>
    public int CompletionTimeoutMilliseconds { get; init; } = 1000;

    /// <summary>How long register reads are held once an outage has used up the first one's time: somebody's vCPU stands still meanwhile.</summary>
    public int LaterHoldMilliseconds { get; init; } = 50;

    /// <summary>When to report a reset as failed.</summary>
    public int ResetTimeoutMilliseconds { get; init; } = 3000;

    /// <summary>Pause before enumeration is tried again after the function refused or did not answer.</summary>
    public int EnumerationRetryMilliseconds { get; init; } = 100;

    /// <summary>
    /// Hide the function's memory from its driver (NVMe: CAP.CMBS 0). A guest's kernel that cannot use it warns about it.
    /// </summary>
    public bool HidesFunctionMemory { get; init; }

    /// <summary>How long memory that must be asked for may take to answer the device.</summary>
    public int ClientMemoryTimeoutMilliseconds { get; init; } = 5000;

    /// <summary>Room for requests that cannot leave yet. A power of two.</summary>
    public int RequestQueueBytes { get; init; } = 1 << 20;
}
