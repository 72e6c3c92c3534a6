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

    long Errors { get; }

    /// <summary>What the first error was; null if there was none.</summary>
    string? FirstErrorName { get; }

    long VerifyErrors { get; }

    long MeasuredCommands { get; }

    long MeasuredBytes { get; }

    long ElapsedNanoseconds { get; }

    IntervalHistograms Latencies { get; }

    /// <summary>Ends it early, as if its time were over. From any thread.</summary>
    void Cancel();
}
