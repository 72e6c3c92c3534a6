using PcieOe.FlashEndpoint.Tests.Harness;
using PcieOe.FlashEndpoint.Timing;
using PcieOe.Protocol.Nvme;
using Xunit;

namespace PcieOe.FlashEndpoint.Tests.Timing;

/// <summary>
/// Latencies as a driver measures them, from its doorbell to the completion, against distributions computed by hand. Reads of 4096 bytes:
/// 2 us of firmware, 25 us in the cells, 300 ns of command cycles and 4096 bytes at 1 byte a nanosecond on the bus.
/// </summary>
public sealed class LatencyDistributionTests
{
    private const int Rounds = 50;
    private const long Firmware = 2_000;
    private const long Cell = 25_000;
    private const long Transfer = 300 + 4096;

    private static FlashParameters OneChannel { get; } = FlashTimingReadTests.Small with { Channels = 1, DiesPerChannel = 8 };

    /// <summary>
    /// Cell times within 10 percent spread in a triangle, half width w = 2500 ns: the quantile p below one half lies at
    /// w (1 - sqrt(2 p)) below the middle, and those above mirror it. Everything else about an idle read is constant.
    /// </summary>
    [Theory]
    [InlineData(0.10, 25_000 - 1_382, 100)]
    [InlineData(0.25, 25_000 - 732, 100)]
    [InlineData(0.50, 25_000, 100)]
    [InlineData(0.75, 25_000 + 732, 100)]
    [InlineData(0.90, 25_000 + 1_382, 100)]
    [InlineData(0.99, 25_000 + 2_146, 100)]
    public void IdleReads_OfCellsThatVary_HaveTheQuantilesOfATriangle(double quantile, long expectedCell, long tolerance)
    {
        var latencies = new List<long>();
        using ControllerHarness harness = ControllerHarness.Ready(out TestQueue io, timing: new FlashTiming(OneChannel with { CellJitterPercent = 10 }));
        ulong page = harness.AllocatePages(1);
        for (int i = 0; i < 4000; i++)
        {
            Measure(harness, io, page, [i % 2000], latencies);
        }

        latencies.Sort();
        long found = latencies[(int)(quantile * latencies.Count)];
        Assert.InRange(found, Firmware + expectedCell + Transfer - tolerance, Firmware + expectedCell + Transfer + tolerance);
    }

    [Fact]
    public void Reads_OfOneDie_WaitForCellsAndBusOfAllBefore()
    {
        long[] latencies = MeasureRounds(OneChannel, [.. Enumerable.Range(0, 8).Select(i => i * 8)]);
        long[] expected = [.. Enumerable.Range(1, 8).SelectMany(i => Enumerable.Repeat(Firmware + i * (Cell + Transfer), Rounds))];
        Assert.Equal(expected, latencies);
    }

    [Fact]
    public void Reads_OfAllDiesOnOneBus_WaitForTransfersAlone()
    {
        long[] latencies = MeasureRounds(OneChannel, [.. Enumerable.Range(0, 8)]);
        long[] expected = [.. Enumerable.Range(1, 8).SelectMany(i => Enumerable.Repeat(Firmware + Cell + i * Transfer, Rounds))];
        Assert.Equal(expected, latencies);
    }

    [Fact]
    public void Reads_OfAsManyChannels_DoNotWait()
    {
        long[] latencies = MeasureRounds(OneChannel with { Channels = 8, DiesPerChannel = 1 }, [.. Enumerable.Range(0, 8)]);
        Assert.Equal(Enumerable.Repeat(Firmware + Cell + Transfer, 8 * Rounds), latencies);
    }

    // All pages at once, again and again on an idle flash; sorted.
    private static long[] MeasureRounds(FlashParameters parameters, int[] pages)
    {
        var latencies = new List<long>();
        using ControllerHarness harness = ControllerHarness.Ready(out TestQueue io, timing: new FlashTiming(parameters));
        ulong page = harness.AllocatePages(1);
        for (int i = 0; i < Rounds; i++)
        {
            Measure(harness, io, page, pages, latencies);
        }

        latencies.Sort();
        return [.. latencies];
    }

    private static void Measure(ControllerHarness harness, TestQueue io, ulong buffer, int[] pages, List<long> latencies)
    {
        harness.Now += 1_000_000;
        long start = harness.Now;
        foreach (int page in pages)
        {
            harness.Put(io, ControllerHarness.IoEntry(NvmOpcode.Read, (ulong)page * 8, 8, buffer));
        }

        harness.Ring(io);
        for (int i = 0; i < pages.Length; i++)
        {
            Assert.Equal(NvmeStatus.Success, harness.Wait(io).Status);
            latencies.Add(harness.Now - start);
        }
    }
}
