namespace PcieOe.Host.NvmeDriver;

/// <summary>What one driver has seen. One writer, the worker; readers may see values of different instants.</summary>
internal sealed class NvmeDriverCounters
{
    public long Submitted;
    public long Completed;
    public long CompletedWithError;
    public long Reissued;
    public long Timeouts;
    public long Aborts;
    public long ControllerResets;
    public long BringUpRetries;

    /// <summary>Completion entries that name no command under way.</summary>
    public long UnknownCompletions;

    /// <summary>Doorbell and entry writes that found the lane's queue full and were tried again.</summary>
    public long PostsDelayed;

    public long WritesThroughControllerMemory;
}
