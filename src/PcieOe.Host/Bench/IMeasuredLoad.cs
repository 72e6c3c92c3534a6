using PcieOe.Host.NvmeDriver;

namespace PcieOe.Host.Bench;

/// <summary>
/// A load that a <see cref="BenchRunner"/> puts on a block device. Made and driven on the worker's thread; once <see cref="Done"/> has
/// completed, others may read what it counted.
/// </summary>
internal interface IMeasuredLoad : IBlockDeviceUser, IDisposable
{
    WorkloadOptions Options { get; }

    /// <summary>Completes, on another thread, when all is done.</summary>
    Task Done { get; }

    /// <summary>For any thread, at any time.</summary>
    long Completed { get; }

    WorkloadTally Tally { get; }

    long VerifyErrors { get; }

    /// <summary>Ends it early, as if its time were over. From any thread.</summary>
    void Cancel();
}
