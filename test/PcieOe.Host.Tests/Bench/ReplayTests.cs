using PcieOe.Host.Bench;
using PcieOe.Host.Bench.Traces;
using PcieOe.Host.Tests.NvmeDriver;
using PcieOe.Protocol.Functions;
using PcieOe.Transport.Histograms;
using Xunit;

namespace PcieOe.Host.Tests.Bench;

/// <summary>Traces: how they are read, and that they are played as they stand.</summary>
public sealed class ReplayTests
{
    private const long Millisecond = BlockDriverHarness.Millisecond;

    [Fact]
    public void Trace_WithNamesCommentsAndNoOrder_IsRead()
    {
        ArrivalTrace trace = Read("""
            seconds,operation,offset,bytes
            # a comment

            1000.002, w ,8192,512
            1000,read,0,4096
            1000.002,WRITE,12288,131072
            """);
        Assert.Equal([new(0, 0, 4096, false), new(2_000_000, 8192, 512, true), new(2_000_000, 12288, 131072, true)], trace.Commands);
        Assert.Equal(0.002, trace.Seconds);
    }

    [Theory]
    [InlineData("0,read,0,4096\n1,erase,0,4096", "line 2")]
    [InlineData("0,read,0,0", "line 1")]
    [InlineData("0,read,0,2000000", "line 1")]
    [InlineData("nan,read,0,4096", "line 1")]
    [InlineData("0,read,-1,4096", "line 1")]
    [InlineData("0,read,0,4096,7", "line 1")]
    [InlineData("0,read,0", "line 1")]
    [InlineData("# nothing", "no command")]
    [InlineData("0,read,0,4096\n1e9,read,0,4096", "Are its times seconds?")]
    public void Trace_WithAMistake_IsRefusedWithItsPlace(string text, string expected)
    {
        Assert.Contains(expected, Assert.Throws<TraceException>(() => Read(text)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Replay_InVirtualTime_StartsEachCommandAtItsTime()
    {
        using BlockDriverHarness harness = Ready();
        using Workload workload = Begin(harness, Read("0,write,0,4096\n0.010,read,4096,8192\n0.010,read,0,4096\n0.500,write,4611686018427387904,512"));
        long start = harness.Now;
        List<double> completedAt = [];
        for (int done = 0; !workload.Done.IsCompleted;)
        {
            Step(harness, start + 1000 * Millisecond);
            Assert.True(harness.Now < start + 1000 * Millisecond, "The replay has no end.");
            for (; done < workload.Completed; done++)
            {
                completedAt.Add((harness.Now - start) / Millisecond);
            }
        }

        Assert.Equal([0, 10, 10, 500], completedAt);
        Assert.Equal((4, 0, 4096 + 8192 + 4096 + 4096), (workload.Tally.Commands, workload.Tally.Errors, workload.Tally.Bytes));
    }

    [Fact]
    public void Replay_OfMoreThanTheDepth_CountsFromTheTimesOfTheTrace()
    {
        using BlockDriverHarness harness = Ready();
        using Workload workload = Begin(harness, Read(string.Join('\n', Enumerable.Range(0, 100).Select(i => $"0,read,{i * 4096},4096"))), depth: 4);
        harness.CutCable();
        long start = harness.Now;
        while (harness.Now < start + 50 * Millisecond)
        {
            Step(harness, start + 50 * Millisecond);
        }

        harness.Resume();
        while (!workload.Done.IsCompleted)
        {
            Step(harness, start + 1000 * Millisecond);
            Assert.True(harness.Now < start + 1000 * Millisecond, "The replay has no end.");
        }

        using LatencyHistogram all = workload.Tally.Latencies.Merge();
        Assert.Equal(100, all.Count);
        Assert.True(all.Minimum >= 49 * Millisecond, $"{all.Minimum} ns");
    }

    private static ArrivalTrace Read(string text) => ArrivalTrace.Read(new StringReader(text), "trace");

    private static BlockDriverHarness Ready()
    {
        BlockDriverHarness harness = new(useBlockDevice: true);
        harness.Connect(FunctionResetKind.Conventional);
        return harness;
    }

    private static Workload Begin(BlockDriverHarness harness, ArrivalTrace trace, int depth = 16)
    {
        Workload workload = new(WorkloadOptions.Replay(trace, depth), harness.Driver, harness.Hops, "host");
        harness.Device!.User = workload;
        return workload;
    }

    private static void Step(BlockDriverHarness harness, long end)
    {
        long next = Math.Min(Math.Min(harness.Port.NextDeadline, harness.Device!.NextDeadline), harness.Bridge.NextDeadline);
        harness.Now = Math.Min(end, Math.Max(harness.Now + 1000, next));
        harness.Run();
    }
}
