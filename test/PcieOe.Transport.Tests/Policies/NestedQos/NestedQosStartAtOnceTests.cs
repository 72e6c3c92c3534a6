using PcieOe.Transport.Policies.NestedQos;
using Xunit;

namespace PcieOe.Transport.Tests.Policies.NestedQos;

/// <summary>The short way from arrival to start decides, counts and charges as the long one does.</summary>
public sealed class NestedQosStartAtOnceTests
{
    private const int Commands = 20_000;

    private static readonly NestedQosTenantOptions[] Tenants =
    [
        new()
        {
            Name = "bursty",
            Classes =
            [
                new() { Name = "gold", BurstUnits = 8, UnitsPerSecond = 1000, ResponseMilliseconds = 5 },
                new() { Name = "silver", BurstUnits = 20, UnitsPerSecond = 2000, ResponseMilliseconds = 20 },
            ],
        },
        new() { Name = "smooth", Classes = [new() { Name = "only", BurstUnits = 5, UnitsPerSecond = 1000, ResponseMilliseconds = 5 }] },
        new() { Name = "others" },
    ];

    [Theory]
    [InlineData(1, null, NestedQosOrder.Deadline)]
    [InlineData(2, 9000.0, NestedQosOrder.Deadline)]
    [InlineData(3, null, NestedQosOrder.Arrival)]
    [InlineData(4, 9000.0, NestedQosOrder.Arrival)]
    public void RandomTraffic_BothWays_ComesToTheSame(int seed, double? capacity, NestedQosOrder order)
    {
        NestedQosOptions options = new() { Tenants = Tenants, CapacityUnitsPerSecond = capacity, Order = order, MaximumOutstanding = 6 };
        using NestedQosScheduler quick = new(options, 0);
        using NestedQosScheduler plain = new(options, 0);
        Random random = new(seed);
        List<NestedQosStart> started = [];
        long now = 0;
        int atOnce = 0;
        for (ulong tag = 0; tag < Commands; tag++)
        {
            now += random.Next(500_000);
            int tenant = random.Next(Tenants.Length);
            int units = random.Next(1, 4);
            long arrival = now - random.Next(50_000);
            bool isFirst = plain.Waiting == 0;
            Assert.True(plain.TryEnqueue(tenant, 1, units, tag, arrival));
            NestedQosStart expected = default;
            bool starts = isFirst && plain.TryStart(now, out expected);
            NestedQosStart start = default;
            Assert.Equal(starts, quick.TryStartAtOnce(tenant, 1, units, tag, arrival, now, ref start));
            Assert.Equal(expected, start);
            if (starts)
            {
                atOnce++;
                started.Add(start);
            }
            else
            {
                quick.TryEnqueue(tenant, 1, units, tag, arrival);
            }

            now += random.Next(500_000);
            FinishSome(random, tag / 50 % 2 == 0 ? 2 : 5, started, now, quick, plain);
            while (plain.TryStart(now, out expected))
            {
                Assert.True(quick.TryStart(now, out start));
                Assert.Equal(expected, start);
                started.Add(start);
            }

            Assert.False(quick.TryStart(now, out _));
            Assert.Equal((plain.Waiting, plain.Outstanding, plain.NextDeadline), (quick.Waiting, quick.Outstanding, quick.NextDeadline));
        }

        Assert.InRange(atOnce, Commands / 20, Commands * 19 / 20);
        for (int tenant = 0; tenant < Tenants.Length; tenant++)
        {
            Assert.Equal(plain.StatisticsOf(tenant).Select(Summary), quick.StatisticsOf(tenant).Select(Summary));
        }
    }

    /// <param name="sixths">The chance of each to be finished: more come than go, or more go than come.</param>
    private static void FinishSome(Random random, int sixths, List<NestedQosStart> started, long now, params NestedQosScheduler[] schedulers)
    {
        while (started.Count > 0 && random.Next(6) < sixths)
        {
            int index = random.Next(started.Count);
            foreach (NestedQosScheduler scheduler in schedulers)
            {
                scheduler.OnServed(started[index], now);
                scheduler.OnCompleted(started[index], now);
            }

            started.RemoveAt(index);
        }
    }

    private static (string, long, long, long, long, double, double) Summary(NestedQosClassStatistics statistics) =>
        (statistics.Name, statistics.Arrivals, statistics.UnitsArrived, statistics.Met, statistics.Missed, statistics.Waiting.Mean, statistics.Response.Mean);
}
