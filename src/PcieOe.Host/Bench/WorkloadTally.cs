using PcieOe.Protocol.Nvme;

namespace PcieOe.Host.Bench;

/// <summary>What a load measures: latencies, operations, bytes, errors, and gaps between completions. Written by the worker's thread.</summary>
internal sealed class WorkloadTally(double seconds) : IDisposable
{
    private const long LongGapNanoseconds = 100_000_000;

    private long _lastCompletion;

    /// <summary>Closed loop: from submission; open loop: from the time at which the command was to start.</summary>
    internal IntervalHistograms Latencies { get; } = new(seconds);

    internal long StartedAt { get; private set; }

    internal long ElapsedNanoseconds { get; private set; }

    internal long Commands { get; private set; }

    internal long Bytes { get; private set; }

    internal long Errors { get; private set; }

    /// <summary>The name of the first error's status; null if there was none.</summary>
    internal string? FirstError { get; private set; }

    internal long LongestGapNanoseconds { get; private set; }

    /// <summary>When the last gap longer than 100 ms ended; 0 if there was none.</summary>
    internal long LastLongGapEndedAt { get; private set; }

    internal void Start(long now)
    {
        StartedAt = _lastCompletion = now;
        Latencies.Start(now);
    }

    /// <summary>A command or TLP of the measured time has completed, in whatever way.</summary>
    internal void Record(long latency, long bytes, long now)
    {
        Latencies.Record(latency, now);
        Commands++;
        Bytes += bytes;
        ElapsedNanoseconds = now - StartedAt;
        long gap = now - _lastCompletion;
        _lastCompletion = now;
        LongestGapNanoseconds = Math.Max(LongestGapNanoseconds, gap);
        if (gap > LongGapNanoseconds)
        {
            LastLongGapEndedAt = now;
        }
    }

    internal void RecordError(NvmeStatus status)
    {
        if (Errors++ == 0)
        {
            FirstError = status.ToString();
        }
    }

    internal void RecordError(string name)
    {
        Errors++;
        FirstError ??= name;
    }

    public void Dispose() => Latencies.Dispose();
}
