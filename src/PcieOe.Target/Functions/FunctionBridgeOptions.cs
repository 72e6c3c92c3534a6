namespace PcieOe.Target.Functions;

/// <summary>Bounds of a <see cref="FunctionBridge"/>. All memory they ask for is taken at construction.</summary>
public sealed record FunctionBridgeOptions
{
    /// <summary>5, 8 or 10: how many DMA read requests may be outstanding (PCIe base spec. 2.2.6.2).</summary>
    public int TagBits { get; init; } = 8;

    /// <summary>
    /// How long a DMA read request waits for its last completion; time in an outage of the link does not count. Longer than the three
    /// keep-alive intervals after which an outage is noticed that left nothing unacknowledged but an answer on its way.
    /// </summary>
    public int CompletionTimeoutMilliseconds { get; init; } = 5000;

    /// <summary>How long the tag of a request that timed out rests; time in an outage does not count.</summary>
    public int TagQuarantineMilliseconds { get; init; } = 30_000;

    /// <summary>DMA reads (of any length) that the function may have open at once.</summary>
    public int MaximumReads { get; init; } = 256;

    /// <summary>Transactions that the function may have ready, and commands it may have deferred, at once.</summary>
    public int MaximumTransactions { get; init; } = 4096;

    /// <summary>While more than this waits at the egress queue, no further command is admitted.</summary>
    public int MaximumWaitingBytes { get; init; } = 4 << 20;

    /// <summary>Requests whose answers wait for room; one for each tag a host can have is enough, and more are dropped.</summary>
    public int MaximumAnswers { get; init; } = 1024;

    /// <summary>Throws when a value is out of its range.</summary>
    public void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(CompletionTimeoutMilliseconds, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(TagQuarantineMilliseconds, 0);
        ArgumentOutOfRangeException.ThrowIfLessThan(MaximumReads, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(MaximumTransactions, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(MaximumWaitingBytes, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(MaximumAnswers, 1);
    }
}
