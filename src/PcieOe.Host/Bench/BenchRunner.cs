using PcieOe.Daemon.Workers;
using PcieOe.Host.Bench.Tlps;
using PcieOe.Host.Engine;
using PcieOe.Host.NvmeDriver;
using PcieOe.Transport.Histograms;
using PcieOe.Transport.Hops;

namespace PcieOe.Host.Bench;

/// <summary>
/// Runs workloads on an attachment for those who ask over the control socket, one at a time. On the control side: it hands a workload to
/// the worker and waits; what the workload counted is read when it is over.
/// </summary>
internal sealed class BenchRunner(Attachment attachment, PollWorker worker)
{
    private static readonly TimeSpan ReadyLimit = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(100);

    private int _isRunning;

    /// <exception cref="WorkloadException">It cannot run; the message says why.</exception>
    internal async Task<WorkloadResult> RunAsync(WorkloadOptions options, string name, string ownerName, Func<double, long, ValueTask> onProgress, CancellationToken cancellation)
    {
        if (Interlocked.Exchange(ref _isRunning, 1) != 0)
        {
            throw new WorkloadException($"A workload runs on {attachment.Name} already: wait for its end.");
        }

        try
        {
            BlockDevice device = await ReadyDeviceAsync(cancellation).ConfigureAwait(false);
            using IMeasuredLoad load = await worker.AskAsync<IMeasuredLoad>(_ => options.IsSingleTlps
                ? new TlpWorkload(options, device.Driver, attachment.Hops)
                : new Workload(options, device.Driver, attachment.Hops, ownerName)).ConfigureAwait(false);
            Workload? workload = load as Workload;
            CollectorBaseline collector = CollectorBaseline.Take();
            int defaultSampleEvery = 0;
            long allocatedBefore = await worker.AskAsync(_ =>
            {
                defaultSampleEvery = attachment.Hops.Every;
                if (workload is not null)
                {
                    attachment.Hops.BeginWorkload(workload.Hops, workload.Slowest, options.SampleEvery ?? defaultSampleEvery);
                }

                device.User = load;
                return GC.GetAllocatedBytesForCurrentThread();
            }).ConfigureAwait(false);
            await WaitAsync(load, onProgress, cancellation).ConfigureAwait(false);
            long allocated = await worker.AskAsync(_ =>
            {
                device.User = null;
                if (workload is not null)
                {
                    attachment.Hops.EndWorkload(defaultSampleEvery);
                }

                return GC.GetAllocatedBytesForCurrentThread() - allocatedBefore;
            }).ConfigureAwait(false);
            WorkloadResult result = ResultOf(load, name, collector.Until(allocated, load.Tally.Commands));
            if (workload is null)
            {
                return result;
            }

            using LabelledHops hops = workload.Hops.ByLabel();
            attachment.Hops.Recorder.Totals.MakeAhead(hops.Count);
            await worker.AskAsync(_ =>
            {
                attachment.Hops.Recorder.Totals.Add(hops);
                return true;
            }).ConfigureAwait(false);
            return HopResults.Add(WithCommands(result, workload), workload.Hops, hops) with
            {
                SampleEvery = options.SampleEvery ?? defaultSampleEvery,
                Clock = workload.Hops.Count == 0 ? null : attachment.Hops.Recorder.Clock,
            };
        }
        finally
        {
            Volatile.Write(ref _isRunning, 0);
        }
    }

    internal static async Task WaitAsync(IMeasuredLoad workload, Func<double, long, ValueTask> onProgress, CancellationToken cancellation)
    {
        using CancellationTokenRegistration registration = cancellation.Register(workload.Cancel);
        DateTime started = DateTime.UtcNow;

        // The worker completes the one task, and to call a plain await behind it costs it nothing; to tell a WhenAny it would have to allocate.
        Task done = FollowAsync(workload.Done);
        while (!done.IsCompleted)
        {
            await Task.WhenAny(done, Task.Delay(Tick, CancellationToken.None)).ConfigureAwait(false);
            if (!cancellation.IsCancellationRequested)
            {
                double part = Math.Min(1, (DateTime.UtcNow - started).TotalSeconds / workload.Options.Seconds);
                await onProgress(part, workload.Completed).ConfigureAwait(false);
            }
        }
    }

    private static async Task FollowAsync(Task task) => await task.ConfigureAwait(false);

    private async Task<BlockDevice> ReadyDeviceAsync(CancellationToken cancellation)
    {
        BlockDevice device = await worker.AskAsync(now => attachment.ShareBlockDevice(worker.Wake, now)
            ?? throw new WorkloadException($"{attachment.Name} is used by a front end: give bench an attachment of its own.")).ConfigureAwait(false);
        DateTime limit = DateTime.UtcNow + ReadyLimit;
        while (true)
        {
            BlockDriverState state = await worker.AskAsync(_ => device.Driver.State).ConfigureAwait(false);
            if (state == BlockDriverState.Ready)
            {
                return device;
            }

            string? problem = await worker.AskAsync(_ => attachment.Problem).ConfigureAwait(false);
            if (state is BlockDriverState.Gone or BlockDriverState.Stopped || DateTime.UtcNow > limit)
            {
                throw new WorkloadException($"{attachment.Name} is not ready: {problem ?? RefusalText.OfSilence}");
            }

            await Task.Delay(20, cancellation).ConfigureAwait(false);
        }
    }

    private static WorkloadResult ResultOf(IMeasuredLoad load, string name, CollectorActivity collector)
    {
        WorkloadTally tally = load.Tally;
        double seconds = Math.Max(tally.ElapsedNanoseconds, 1) / 1e9;
        WorkloadOptions options = load.Options;
        using LatencyHistogram latency = tally.Latencies.Merge();
        return new WorkloadResult
        {
            Name = name,
            Pattern = options.PatternName,
            BlockBytes = options.BlockBytes,
            QueueDepth = options.QueueDepth,
            ReadPercent = options.Pattern == WorkloadPattern.RandomMix ? options.ReadPercent : null,
            RatePerSecond = options.RatePerSecond > 0 ? options.RatePerSecond : null,
            Arrivals = options.Trace is not null ? "trace" : options.RatePerSecond == 0 ? null : options.IsPoisson ? "poisson" : "fixed",
            Seconds = Math.Round(seconds, 6),
            Commands = tally.Commands,
            Errors = tally.Errors,
            FirstError = tally.FirstError,
            VerifyErrors = load.VerifyErrors,
            CommandsPerSecond = Math.Round(tally.Commands / seconds, 1),
            GigabitsPerSecond = Math.Round(tally.Bytes * 8.0 / seconds / 1e9, 4),
            Latency = LatencySummary.Of(latency),
            Collector = collector,
            Histogram = HistogramEncoding.ToText(latency),
            Intervals = new IntervalResult { Seconds = Math.Round(tally.Latencies.Seconds, 6), Histograms = [.. tally.Latencies.All.Select(HistogramEncoding.ToText)] },
        };
    }

    /// <summary>Adds what commands have and single TLPs have not.</summary>
    private static WorkloadResult WithCommands(WorkloadResult result, Workload workload) => result with
    {
        ForeignUnits = workload.Verifier?.ForeignUnits ?? 0,
        VerifiedBlocks = (workload.Verifier?.VerifiedUnits ?? 0) * workload.BlocksPerUnit,
        Slowest = workload.Slowest.ToList(workload.Tally.StartedAt),
        LongestGapSeconds = Math.Round(workload.Tally.LongestGapNanoseconds / 1e9, 6),
        LastLongGapEndedAtNanoseconds = workload.Tally.LastLongGapEndedAt,
    };

    private readonly record struct CollectorBaseline(int Generation0, int Generation1, int Generation2, TimeSpan Paused)
    {
        internal static CollectorBaseline Take() => new(GC.CollectionCount(0), GC.CollectionCount(1), GC.CollectionCount(2), GC.GetTotalPauseDuration());

        internal CollectorActivity Until(long allocatedBytes, long commands) => new()
        {
            Generation0 = GC.CollectionCount(0) - Generation0,
            Generation1 = GC.CollectionCount(1) - Generation1,
            Generation2 = GC.CollectionCount(2) - Generation2,
            PauseMicroseconds = Math.Round((GC.GetTotalPauseDuration() - Paused).TotalMicroseconds, 1),
            AllocatedBytesPerCommand = commands == 0 ? 0 : Math.Round(allocatedBytes / (double)commands, 6),
        };
    }
}
