using PcieOe.Protocol.Hops;
using PcieOe.Transport.Hops;
using Xunit;

namespace PcieOe.Transport.Tests.Hops;

public sealed class LabelledHopsTests
{
    private const int Capacity = 20;

    /// <summary>As many as stand ready at the start.</summary>
    private const int Ready = 8;

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);
    private static readonly long[] Times = [1000];

    [Fact]
    public void FirstSight_OfLabels_AllocatesNothing()
    {
        using LabelledHops warm = Create();
        Record(warm, 0);
        using LabelledHops hops = Create();
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < Ready; i++)
        {
            Record(hops, i);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.Equal((Ready, Ready), (hops.Count, hops.Sampled));
    }

    [Fact]
    public void Labels_OneAfterAnother_HaveTheirOwnUpToTheCapacity()
    {
        using LabelledHops hops = Create();
        for (int i = 0; i < Capacity + 5; i++)
        {
            Assert.True(SpinWait.SpinUntil(() => hops.Made > i || hops.Made == Capacity - 1, Limit), $"nothing was made for label {i}");
            Record(hops, i);
        }

        Assert.Equal((Capacity, Capacity + 5), (hops.Count, hops.Sampled));
        Assert.Equal([.. Enumerable.Range(0, Capacity - 1), 0], Enumerable.Range(0, hops.Count).Select(index => hops[index].Labels.SizeBytes));
        Assert.Equal((string.Empty, 6), (hops[Capacity - 1].Labels.Tenant, hops[Capacity - 1].Histograms.Count));
        Record(hops, 3);
        Assert.Equal(2, hops[3].Histograms.Count);
    }

    [Fact]
    public void Labels_ManyAtOnce_LoseNoCommand()
    {
        using LabelledHops hops = Create();
        for (int i = 0; i < 3 * Capacity; i++)
        {
            Record(hops, i % Capacity);
        }

        Assert.Equal(3 * Capacity, hops.Sampled);
        using LabelledHops sum = Create();
        sum.Add(hops);
        sum.Add(hops);
        using HopHistograms all = sum.Merge();
        Assert.Equal((6 * Capacity, 6 * Capacity), (sum.Sampled, all.Count));
    }

    private static LabelledHops Create() => new(Hop.Submit, Hop.Submit, Capacity);

    private static void Record(LabelledHops hops, int number) => hops.For(new HopLabels("tenant", 0, 2, number, false)).Record(Times, 1000);
}
