using PcieOe.Protocol.Nvme;

namespace PcieOe.Host.NvmeDriver;

/// <summary>
/// Uses a <see cref="BlockDevice"/>'s driver on the worker's thread, where a channel would stand between it and what it measures. The
/// contexts of its commands carry <see cref="BlockDevice.UserContext"/>.
/// </summary>
internal interface IBlockDeviceUser
{
    /// <summary>When <see cref="Poll"/> has something to do besides completions.</summary>
    long NextDeadline { get; }

    /// <summary>Submits what is due. True: something was.</summary>
    bool Poll(long now);

    /// <summary>The end of one of its commands.</summary>
    /// <param name="context">The lower half of what it gave.</param>
    void OnCompleted(int context, NvmeStatus status, long now);

    /// <summary>The driver has let go of the function, or lost it.</summary>
    void OnDeviceEnded();
}
