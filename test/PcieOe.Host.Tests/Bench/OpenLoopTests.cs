using PcieOe.Host.Bench;
using PcieOe.Host.Tests.NvmeDriver;
using PcieOe.Protocol.Functions;
using PcieOe.Transport.Histograms;
using Xunit;

namespace PcieOe.Host.Tests.Bench;

/// <summary>Workloads whose commands start on time, in virtual time on the whole stack.</summary>
public sealed class OpenLoopTests
{
    private const long Millisecond = BlockDriverHarness.Millisecond;
    private const int RatePerSecond = 1000;

    private static readonly WorkloadOptions Fixed = new()
    {
        Pattern = WorkloadPattern.RandomRead,
        QueueDepth = 8,
        Seconds = 1,
        WorkingSetBytes = 1 << 20,
        RatePerSecond = RatePerSecond,
    };

    [Fact]
    public void OpenLoop_PathStandsStill_LatencyCountsFromTheIntendedStart()
    {
        using BlockDriverHarness harness = Ready();
        using Workload workload = Begin(harness, Fixed);
        long start = harness.Now;
        AdvanceTo(harness, start + 300 * Millisecond);
        harness.CutCable();
        AdvanceTo(harness, start + 400 * Millisecond);
        harness.Resume();
        Finish(harness, workload);
        using LatencyHistogram all = workload.Tally.Latencies.Merge();

        // Those that were to start within the 100 ms waited 100 ms, 99 ms ... 1 ms; with eight slots a closed loop would have seen eight.
        Assert.Equal(RatePerSecond, all.Count);
        Assert.Equal(100 * Millisecond, all.Maximum);
        Assert.InRange(all.ValueAtPercentile(95), 49 * Millisecond, 52 * Millisecond);
        Assert.InRange(all.ValueAtPercentile(99), 89 * Millisecond, 92 * Millisecond);
        Assert.InRange(all.ValueAtPercentile(89.5), 0, Millisecond / 10);
    }

    [Fact]
    public void OpenLoop_FixedGaps_FillEveryIntervalAlike()
    {
        using BlockDriverHarness harness = Ready();
        using Workload workload = Begin(harness, Fixed with { Seconds = 20 });
        Finish(harness, workload);
        Assert.Equal(20, workload.Tally.Latencies.All.Count);
        Assert.All(workload.Tally.Latencies.All, interval => Assert.InRange(interval.Count, RatePerSecond - 1, RatePerSecond + 1));
    }

    [Fact]
    public void OpenLoop_PoissonGaps_KeepTheRateAndScatterAsPoissonDoes()
    {
        using BlockDriverHarness harness = Ready();
        using Workload workload = Begin(harness, Fixed with { Seconds = 20, IsPoisson = true, Seed = 7 });
        Finish(harness, workload);
        long[] counts = [.. workload.Tally.Latencies.All.Select(interval => interval.Count)];
        double mean = counts.Average();
        double dispersion = counts.Sum(count => (count - mean) * (count - mean)) / (counts.Length - 1) / mean;
        Assert.InRange(mean, 0.97 * RatePerSecond, 1.03 * RatePerSecond);
        Assert.InRange(dispersion, 0.3, 2.5);
    }

    [Fact]
    public void ClosedLoop_PathStandsStill_OnlyWhatWasUnderWayWaited()
    {
        using BlockDriverHarness harness = Ready();
        using Workload workload = Begin(harness, Fixed with { RatePerSecond = 0, MaximumCommands = 100 });
        harness.CutCable();
        AdvanceTo(harness, harness.Now + 100 * Millisecond);
        harness.Resume();
        Finish(harness, workload);
        using LatencyHistogram all = workload.Tally.Latencies.Merge();
        Assert.Equal(100, all.Count);
        Assert.Equal(8, Enumerable.Range(LatencyHistogram.IndexOf(99 * Millisecond), 100).Sum(all.CountAt));
    }

    private static BlockDriverHarness Ready()
    {
        BlockDriverHarness harness = new(useBlockDevice: true);
        harness.Connect(FunctionResetKind.Conventional);
        return harness;
    }

    private static Workload Begin(BlockDriverHarness harness, WorkloadOptions options)
    {
        Workload workload = new(options, harness.Driver, harness.Hops, "host");
        harness.Device!.User = workload;
        return workload;
    }

    private static void AdvanceTo(BlockDriverHarness harness, long end)
    {
        while (harness.Now < end)
        {
            harness.Run();
            long next = Math.Min(Math.Min(harness.Port.NextDeadline, harness.Device!.NextDeadline), harness.Bridge.NextDeadline);
            harness.Now = Math.Min(end, Math.Max(harness.Now + 1000, next));
        }
    }

    private static void Finish(BlockDriverHarness harness, Workload workload)
    {
        long limit = harness.Now + 100_000 * Millisecond;
        while (!workload.Done.IsCompleted)
        {
            Assert.True(harness.Now < limit, "The workload has no end.");
            AdvanceTo(harness, harness.Now + Millisecond / 10);
        }
    }
}
