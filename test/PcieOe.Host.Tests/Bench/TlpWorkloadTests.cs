using PcieOe.Host.Bench;
using PcieOe.Host.Bench.Tlps;
using PcieOe.Host.NvmeDriver;
using PcieOe.Host.Tests.NvmeDriver;
using PcieOe.Protocol.Functions;
using Xunit;

namespace PcieOe.Host.Tests.Bench;

/// <summary>Single TLPs as a workload, in virtual time on the whole stack but the network.</summary>
public sealed class TlpWorkloadTests
{
    private const int Count = 300;

    [Theory]
    [InlineData("regread", 4)]
    [InlineData("regread", 64)]
    [InlineData("regread", 4096)]
    [InlineData("regwrite", 4)]
    [InlineData("regwrite", 4096)]
    [InlineData("dmaread", 64)]
    [InlineData("dmaread", 4096)]
    [InlineData("dmawrite", 64)]
    [InlineData("dmawrite", 4096)]
    public void EveryKind_Runs_IsOneRequestEachAndItsDataIsRight(string pattern, int bytes)
    {
        using BlockDriverHarness harness = Ready();
        (long Reads, long Writes, long DmaReads, long DmaWrites, long DmaBytes) before = Counted(harness);
        using TlpWorkload workload = Run(harness, Options(pattern, bytes));
        Assert.Equal((0, 0, Count), (workload.Tally.Errors, workload.VerifyErrors, workload.Tally.Commands));
        Assert.Equal((long)Count * bytes, workload.Tally.Bytes);
        (long Reads, long Writes, long DmaReads, long DmaWrites, long DmaBytes) after = Counted(harness);

        // The controller's memory is filled before, and read back behind.
        bool isFilled = pattern.StartsWith("reg", StringComparison.Ordinal) && bytes > 4;
        Assert.Equal(pattern.StartsWith("reg", StringComparison.Ordinal) ? Count + (isFilled ? 1 : 0) : 0, after.Reads - before.Reads);
        Assert.Equal((pattern == "regwrite" ? Count : 0) + (isFilled ? 1 : 0), after.Writes - before.Writes);
        Assert.Equal(pattern == "dmaread" ? Count : 0, after.DmaReads - before.DmaReads);
        Assert.Equal(pattern == "dmawrite" ? Count : 0, after.DmaWrites - before.DmaWrites);
        Assert.Equal(pattern.StartsWith("dma", StringComparison.Ordinal) ? (long)Count * bytes : 0, after.DmaBytes - before.DmaBytes);
    }

    [Fact]
    public void TimePassesOnTheWay_DeviceReads_CountsByTheDevicesClock()
    {
        using BlockDriverHarness harness = Ready();
        using TlpWorkload workload = Begin(harness, Options("dmaread", 256) with { MaximumCommands = 1 });
        harness.Round(); // The order has come, the request is on its way.
        harness.Now += 6_000; // And 1000 more before the next round.
        Finish(harness, workload);
        using Transport.Histograms.LatencyHistogram all = workload.Tally.Latencies.Merge();
        Assert.Equal((1L, 7_000L), (all.Count, all.Maximum));
    }

    [Theory]
    [InlineData("dmawrite")]
    [InlineData("dmaread")]
    public void MemoryWithdrawn_DeviceReachesForIt_IsNoticed(string pattern)
    {
        using BlockDriverHarness harness = Ready();
        using TlpWorkload workload = Begin(harness, Options(pattern, 512));
        harness.Port.UnmapAll();
        Finish(harness, workload);
        Assert.Equal(pattern == "dmaread" ? Count : 0, workload.Tally.Errors);
        Assert.Equal(pattern == "dmawrite" ? Count : 0, workload.VerifyErrors);
    }

    [Fact]
    public void FunctionLosesItsState_UnderWay_EndsAndTheDriverGoesOn()
    {
        using BlockDriverHarness harness = Ready();
        using TlpWorkload workload = Begin(harness, Options("regwrite", 64));
        harness.Round();
        harness.Connect(FunctionResetKind.StateLost);
        Finish(harness, workload);
        harness.Advance(100);
        Assert.Equal(BlockDriverState.Ready, harness.Driver.State);
        using TlpWorkload next = Run(harness, Options("regwrite", 64));
        Assert.Equal((0, 0, Count), (next.Tally.Errors, next.VerifyErrors, next.Tally.Commands));
    }

    [Fact]
    public void SmallFrames_LargeTlp_IsRefusedWithTheSizeThatFits()
    {
        using BlockDriverHarness harness = Ready(frameBytes: 1400);
        WorkloadException exception = Assert.Throws<WorkloadException>(() => Begin(harness, Options("dmaread", 4096)));
        Assert.Contains("1024", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void NoMemoryBuffer_MoreThanARegister_IsRefused()
    {
        using BlockDriverHarness harness = Ready(memoryBufferBytes: 0);
        Assert.Throws<WorkloadException>(() => Begin(harness, Options("regread", 64)));
        using TlpWorkload workload = Run(harness, Options("regread", 4));
        Assert.Equal(Count, workload.Tally.Commands);
    }

    [Theory]
    [InlineData("regread", 4096)]
    [InlineData("regwrite", 64)]
    [InlineData("dmaread", 4096)]
    [InlineData("dmawrite", 4096)]
    public void SteadyState_Runs_AllocatesNothing(string pattern, int bytes)
    {
        using BlockDriverHarness harness = Ready();
        using TlpWorkload workload = Begin(harness, Options(pattern, bytes) with { MaximumCommands = 2000 });
        for (int i = 0; i < 500; i++)
        {
            harness.Round();
        }

        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 500; i++)
        {
            harness.Round();
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Finish(harness, workload);
    }

    private static WorkloadOptions Options(string pattern, int bytes)
    {
        Assert.True(WorkloadOptions.TryParsePattern(pattern, out WorkloadPattern parsed));
        return new WorkloadOptions { Pattern = parsed, BlockBytes = bytes, Seconds = 60, MaximumCommands = Count };
    }

    private static BlockDriverHarness Ready(int frameBytes = 8900, int memoryBufferBytes = 8 << 20)
    {
        BlockDriverHarness harness = new(useBlockDevice: true, frameBytes: frameBytes, memoryBufferBytes: memoryBufferBytes);
        harness.Connect(FunctionResetKind.Conventional);
        return harness;
    }

    private static TlpWorkload Begin(BlockDriverHarness harness, WorkloadOptions options)
    {
        TlpWorkload workload = new(options, harness.Driver, harness.Hops);
        harness.Device!.User = workload;
        return workload;
    }

    private static void Finish(BlockDriverHarness harness, TlpWorkload workload)
    {
        for (int round = 0; !workload.Done.IsCompleted; round++)
        {
            Assert.True(round < 100_000, "The workload has no end.");
            harness.Now += 1000;
            harness.Round();
        }

        harness.Device!.User = null;
    }

    private static TlpWorkload Run(BlockDriverHarness harness, WorkloadOptions options)
    {
        TlpWorkload workload = Begin(harness, options);
        Finish(harness, workload);
        return workload;
    }

    private static (long Reads, long Writes, long DmaReads, long DmaWrites, long DmaBytes) Counted(BlockDriverHarness harness)
    {
        Host.RootComplex.RootComplexCounters counters = harness.Port.Counters;
        return (counters.RegionReads, counters.RegionWrites, counters.DmaReads, counters.DmaWrites, counters.DmaReadBytes + counters.DmaWriteBytes);
    }
}
