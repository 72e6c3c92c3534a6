namespace PcieOe.Host.NvmeDriver;

/// <summary>Settings of one built-in driver. What the controller grants may be less.</summary>
public sealed record NvmeDriverOptions
{
    /// <summary>Pairs of I/O queues, 1 to 64.</summary>
    public int QueuePairs { get; init; } = 1;

    /// <summary>Entries of an I/O submission queue, 2 to 4096; one less can be under way.</summary>
    public int QueueEntries { get; init; } = 1024;

    /// <summary>The longest transfer of one command, bytes; a multiple of 4096.</summary>
    public int MaximumTransferBytes { get; init; } = 256 * 1024;

    /// <summary>Memory for queues and data buffers that the device can reach; at most 2 GiB.</summary>
    public int PoolBytes { get; init; } = 64 << 20;

    /// <summary>Puts submission queues into the controller's memory where it has some: entry and doorbell then travel in one frame.</summary>
    public bool SubmissionQueuesInControllerMemory { get; init; } = true;

    /// <summary>
    /// Data of writes up to this size is posted into the controller's memory along with the entry, which saves the round trip that would
    /// fetch it. 0: never.
    /// </summary>
    public int WriteDataInControllerMemoryBytes { get; init; } = 16384;

    /// <summary>Describes transfers of more than two pages by one SGL descriptor where the controller can; otherwise by PRP lists.</summary>
    public bool UseSgl { get; init; } = true;

    /// <summary>When a command is taken for lost while the link is up: it is aborted, then the controller reset.</summary>
    public int CommandTimeoutMilliseconds { get; init; } = 10_000;

    /// <summary>How long an admin command, or an abort, may take.</summary>
    public int AdminTimeoutMilliseconds { get; init; } = 5_000;

    /// <summary>Without any completion for this long, the controller's status is looked at.</summary>
    public int WatchdogMilliseconds { get; init; } = 500;

    /// <summary>How many controller resets for its own timeout a command survives before it is failed.</summary>
    public int MaximumReissues { get; init; } = 3;
}
