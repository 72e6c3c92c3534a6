using PcieOe.Protocol.Nvme;

namespace PcieOe.Host.NvmeDriver;

/// <summary>Hears what becomes of the driver and its commands. On the worker's thread, from within <see cref="NvmeBlockDriver.Pump"/>.</summary>
public interface IBlockDriverClient
{
    /// <summary>The end of a command that was accepted; exactly once for each. New commands may be submitted from here.</summary>
    void OnCompleted(ulong context, NvmeStatus status, long now);

    void OnStateChanged(BlockDriverState state, long now);
}

/// <summary>Where the driver stands.</summary>
public enum BlockDriverState : byte
{
    /// <summary>Waits for the function, or initialises the controller for the first time.</summary>
    Starting,

    /// <summary>Takes commands. An outage of the link alone does not change that.</summary>
    Ready,

    /// <summary>Resets the controller; commands under way are issued again afterwards.</summary>
    Recovering,

    /// <summary>Tells the controller that its host goes.</summary>
    ShuttingDown,

    /// <summary>Has let go of the function.</summary>
    Stopped,

    /// <summary>The function was taken away; every command has ended with <see cref="NvmeStatus.CommandAbortedByHost"/>.</summary>
    Gone,
}
