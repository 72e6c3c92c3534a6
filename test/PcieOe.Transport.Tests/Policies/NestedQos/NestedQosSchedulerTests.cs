using PcieOe.Transport.Policies.NestedQos;
using Xunit;

namespace PcieOe.Transport.Tests.Policies.NestedQos;

public sealed class NestedQosSchedulerTests
{
    private const long Millisecond = 1_000_000;

    private static readonly NestedQosTenantOptions Bursty = new()
    {
        Name = "bursty",
        Classes =
        [
            new() { Name = "gold", BurstUnits = 10, UnitsPerSecond = 1000, ResponseMilliseconds = 5 },
            new() { Name = "silver", BurstUnits = 40, UnitsPerSecond = 1500, ResponseMilliseconds = 20 },
            new() { Name = "bronze", BurstUnits = 200, UnitsPerSecond = 2000, ResponseMilliseconds = 100 },
        ],
    };

    private static readonly NestedQosTenantOptions Smooth = new()
    {
        Name = "smooth",
        Classes = [new() { Name = "only", BurstUnits = 5, UnitsPerSecond = 1000, ResponseMilliseconds = 5 }],
    };

    private static NestedQosOptions Options(double? capacity = null, params NestedQosTenantOptions[] tenants) =>
        new() { Tenants = tenants, CapacityUnitsPerSecond = capacity, MaximumOutstanding = capacity is null ? 1 : 64 };

    [Fact]
    public void Burst_Arrives_FillsClassesFromTheTightestOn()
    {
        using NestedQosScheduler scheduler = new(Options(null, Bursty), 0);
        for (ulong i = 0; i < 250; i++)
        {
            Assert.True(scheduler.TryEnqueue(0, 0, 1, i, 0));
        }

        Assert.Equal([10L, 30L, 160L, 50L], scheduler.StatisticsOf(0).Select(statistics => statistics.Arrivals));
    }

    [Fact]
    public void Capacity_ComputedByHand_Agrees()
    {
        // gold: max(1000, 10/5ms = 2000); silver: (40 + 1500 x 15 ms)/20 ms = 3125; bronze: (200 + 2000 x 95 ms)/100 ms = 3900.
        Assert.Equal(3900, Bursty.NestedCapacity, 6);
        Assert.Equal(40_000, Bursty.SingleClassCapacity, 6);
        Assert.Equal(1000, Smooth.NestedCapacity, 6);
        string mistake = Assert.Single(Options(4000, Bursty, Smooth).Validate()).Message;
        Assert.Contains("5158 (", mistake, StringComparison.Ordinal);
        Assert.Empty(Options(5200, Bursty, Smooth).Validate());
    }

    [Fact]
    public void ClassesOutOfOrder_Validated_AreRefused()
    {
        NestedQosTenantOptions wrong = Bursty with { Classes = [Bursty.Classes[1], Bursty.Classes[0]] };
        Assert.Contains("classes[1]", Assert.Single(Options(null, wrong).Validate()).Place, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => new NestedQosScheduler(Options(null, wrong), 0));
    }

    [Fact]
    public void TwoTenantsBackloggedWithoutClasses_Served_ShareByWeight()
    {
        NestedQosOptions options = Options(null, new NestedQosTenantOptions { Name = "a", Weight = 1 }, new NestedQosTenantOptions { Name = "b", Weight = 3 });
        using NestedQosScheduler scheduler = new(options, 0);
        int[] served = new int[2];
        for (ulong i = 0; i < 4000; i++)
        {
            scheduler.TryEnqueue(0, 0, 1, i, 0);
            scheduler.TryEnqueue(1, 0, 1, i, 0);
        }

        for (int i = 0; i < 4000; i++)
        {
            Assert.True(scheduler.TryStart(i, out NestedQosStart start));
            served[start.Tenant]++;
            Finish(scheduler, start, i);
        }

        Assert.InRange(served[1], 2999, 3001);
    }

    [Fact]
    public void BestEffort_BesideABackloggedClass_GetsItsShare()
    {
        using NestedQosScheduler scheduler = new(Options(null, Bursty with { Classes = [Bursty.Classes[2] with { BurstUnits = 10_000 }] }), 0);
        for (ulong i = 0; i < 20_000; i++)
        {
            scheduler.TryEnqueue(0, 0, 1, i, 0);
        }

        int bestEffort = 0;
        for (int i = 0; i < 1000; i++)
        {
            Assert.True(scheduler.TryStart(0, out NestedQosStart start));
            bestEffort += start.Class == 1 ? 1 : 0;
            Finish(scheduler, start, 0);
        }

        Assert.InRange(bestEffort, 45, 55);
    }

    // However long a tenant's best effort has waited: what conforms of another comes first, but for best effort's share.
    [Fact]
    public void ConformingOfOneTenant_BesideBestEffortOfAnother_ComesFirst()
    {
        using NestedQosScheduler scheduler = new(Options(null, Bursty with { Classes = [], Weight = 9 }, Smooth with { Weight = 1 }), 0);
        for (ulong i = 0; i < 1000; i++)
        {
            scheduler.TryEnqueue(0, 0, 1, i, 0);
        }

        int[] started = new int[2];
        for (int i = 0; i < 500; i++)
        {
            long now = i * 2 * Millisecond;
            scheduler.TryEnqueue(1, 0, 1, 0, now);
            for (int turn = 0; turn < 2; turn++)
            {
                Assert.True(scheduler.TryStart(now, out NestedQosStart start));
                started[start.Tenant]++;
                Finish(scheduler, start, now);
            }

            Assert.True(scheduler.StatisticsOf(1)[0].Waiting.Count >= i, "a conforming command waited for another tenant's best effort");
        }

        Assert.Equal([500, 500], started);
    }

    [Fact]
    public void TableFull_Arrival_IsHeldBackAndTakenLater()
    {
        using NestedQosScheduler scheduler = new(Options(null, Smooth) with { MaximumWaiting = 2 }, 0);
        Assert.True(scheduler.TryEnqueue(0, 0, 1, 1, 0));
        Assert.True(scheduler.TryEnqueue(0, 0, 1, 2, 0));
        Assert.False(scheduler.TryEnqueue(0, 0, 1, 3, 0));
        Assert.True(scheduler.TryStart(0, out NestedQosStart start));
        Assert.Equal(1ul, start.Tag);
        Assert.False(scheduler.TryStart(0, out _));
        Assert.True(scheduler.TryEnqueue(0, 0, 1, 3, 0));
    }

    [Fact]
    public void Weights_LeftOut_GiveEachTenantWhatItsClassesNeed()
    {
        NestedQosOptions options = Options(10_000, Bursty, Smooth, new NestedQosTenantOptions { Name = "without" });
        Assert.Empty(options.Validate());
        using NestedQosScheduler scheduler = new(options, 0);
        double sum = scheduler.WeightOf(0) + scheduler.WeightOf(1) + scheduler.WeightOf(2);
        Assert.Equal(3900 / 0.95, 10_000 * scheduler.WeightOf(0) / sum, 3);
        Assert.Equal(1000 / 0.95, 10_000 * scheduler.WeightOf(1) / sum, 3);
    }

    [Fact]
    public void Weight_ThatLeavesClassesTooLittle_IsRefused()
    {
        NestedQosOptions options = Options(10_000, Bursty with { Weight = 1 }, Smooth with { Weight = 9 });
        Assert.Equal("tenants[0].weight", Assert.Single(options.Validate()).Place);
        Assert.Empty(Options(10_000, Bursty with { Weight = 5 }, Smooth with { Weight = 5 }).Validate());
    }

    [Fact]
    public void ArrivalOrder_StartsAsTheyComeAndCountsClasses()
    {
        using NestedQosScheduler scheduler = new(Options(null, Bursty, Smooth) with { Order = NestedQosOrder.Arrival, MaximumOutstanding = 1000 }, 0);
        for (ulong i = 0; i < 100; i++)
        {
            Assert.True(scheduler.TryEnqueue(i < 90 ? 0 : 1, 0, 1, i, 0));
        }

        for (ulong i = 0; i < 100; i++)
        {
            Assert.True(scheduler.TryStart(0, out NestedQosStart start));
            Assert.Equal(i, start.Tag);
        }

        Assert.Equal([10L, 30L, 50L, 0L], scheduler.StatisticsOf(0).Select(statistics => statistics.Arrivals));
        Assert.Equal([5L, 5L], scheduler.StatisticsOf(1).Select(statistics => statistics.Arrivals));
    }

    // Whatever comes and goes: among a tenant's waiting commands that have a deadline none was earlier than that of the one started,
    // and nothing that was withdrawn starts.
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void RandomTraffic_Scheduled_NeverInvertsDeadlinesOfATenant(int seed)
    {
        Random random = new(seed);
        using NestedQosScheduler scheduler = new(Options(null, Bursty, Smooth) with { MaximumOutstanding = 8, BestEffortShare = 0 }, 0);
        Dictionary<ulong, (int Tenant, int Owner, int Came)> waiting = [];
        List<(long Deadline, int At)>[] starts = [[], []];
        List<NestedQosStart> running = [];
        int events = 0;
        for (ulong step = 0; step < 20_000; step++)
        {
            long now = (long)step * 100_000;
            int tenant = random.Next(2), owner = random.Next(4);
            for (int burst = random.Next(20) == 0 ? 60 : 1; burst > 0; burst--)
            {
                ulong tag = step * 100 + (ulong)burst;
                if (scheduler.TryEnqueue(tenant, owner, random.Next(1, 4), tag, now))
                {
                    waiting.Add(tag, (tenant, owner, events++));
                }
            }

            if (random.Next(200) == 0)
            {
                ulong[] gone = [.. waiting.Where(entry => entry.Value.Tenant == tenant && entry.Value.Owner == owner).Select(entry => entry.Key)];
                Assert.Equal(gone.Length, scheduler.Withdraw(tenant, owner));
                Assert.All(gone, tag => waiting.Remove(tag));
            }

            while (running.Count > 0 && random.Next(2) == 0)
            {
                Finish(scheduler, running[0], now);
                running.RemoveAt(0);
            }

            while (scheduler.TryStart(now, out NestedQosStart start))
            {
                running.Add(start);
                Assert.True(waiting.Remove(start.Tag, out (int Tenant, int Owner, int Came) command));
                Assert.Equal((command.Tenant, command.Owner), (start.Tenant, start.Owner));

                // Nothing that started while this one waited was due later.
                List<(long Deadline, int At)> before = starts[start.Tenant];
                for (int i = before.Count - 1; i >= 0 && before[i].At > command.Came; i--)
                {
                    Assert.True(before[i].Deadline <= start.DeadlineNanoseconds, $"deadlines inverted (seed {seed}, step {step})");
                }

                before.Add((start.DeadlineNanoseconds, events++));
                Assert.True(running.Count(entry => entry.Tenant == start.Tenant) <= 6);
            }

            Assert.Equal(waiting.Count, scheduler.Waiting);
            Assert.Equal(running.Count, scheduler.Outstanding);
        }

        Assert.All(starts, list => Assert.True(list.Count > 5_000, $"{list.Count} starts show little"));
    }

    [Fact]
    public void Endpoint_NeverShortOfWork_HasItsCapacityLearned()
    {
        using NestedQosScheduler scheduler = new(Options(null, Smooth) with { MaximumOutstanding = 4 }, 0);
        for (ulong i = 0; i < 20_000; i++)
        {
            scheduler.TryEnqueue(0, 0, 2, i, 0);
        }

        Assert.Equal(0, scheduler.LearnedCapacity);
        for (long now = 0; scheduler.TryStart(now, out NestedQosStart start); now += 200_000)
        {
            Finish(scheduler, start, now);
        }

        Assert.InRange(scheduler.LearnedCapacity, 9_900, 10_100);
    }

    // A million arrivals in virtual time: bursts that overrun the envelopes, beside a smooth tenant, served one after the other at the
    // capacity that the nested model asks for. Checked as an outsider would: envelopes kept by a second, exact account of each class.
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void MillionArrivals_ServedAtTheNestedCapacity_EveryConformingOneMeetsItsBound(int seed)
    {
        Random random = new(seed);
        double capacity = (Bursty.NestedCapacity + Smooth.NestedCapacity) / 0.95;
        using NestedQosScheduler scheduler = new(new NestedQosOptions { Tenants = [Bursty, Smooth], CapacityUnitsPerSecond = capacity, MaximumOutstanding = 1 }, 0);
        EnvelopeCheck[] envelopes = [.. Bursty.Classes.Select(member => new EnvelopeCheck(member))];
        int arrivals = Environment.GetEnvironmentVariable("PCIEOE_TEST_MODE") == "quick" ? 100_000 : 1_000_000;
        long serviceTime = (long)(1e9 / capacity);
        long now = 0, nextBursty = 0, nextSmooth = 0, busyUntil = -1;
        long worstSlack = long.MinValue;
        int burstLeft = 0, offered = 0, completed = 0;
        NestedQosStart running = default;
        while (completed < arrivals)
        {
            if (busyUntil >= 0 && busyUntil <= now)
            {
                Finish(scheduler, running, now);
                completed++;
                if (running.DeadlineNanoseconds != long.MaxValue)
                {
                    worstSlack = Math.Max(worstSlack, now - running.DeadlineNanoseconds);
                }

                busyUntil = -1;
            }

            while (offered < arrivals && nextBursty <= now)
            {
                Assert.True(scheduler.TryEnqueue(0, 0, 1, (ulong)offered++, nextBursty));
                burstLeft = burstLeft > 0 ? burstLeft - 1 : random.Next(1, 400);
                nextBursty += burstLeft > 0 ? 10_000 : (long)(-Math.Log(1 - random.NextDouble()) * 90 * Millisecond);
            }

            while (offered < arrivals && nextSmooth <= now)
            {
                Assert.True(scheduler.TryEnqueue(1, 0, 1, (ulong)offered++, nextSmooth));
                nextSmooth += Millisecond + random.Next(1000);
            }

            if (busyUntil < 0 && scheduler.TryStart(now, out running))
            {
                busyUntil = now + serviceTime;
                if (running.Tenant == 0)
                {
                    for (int i = running.Class; i < envelopes.Length; i++)
                    {
                        envelopes[i].Add(running.ArrivalNanoseconds);
                    }
                }
            }

            // Work is conserved: an idle endpoint and a waiting command never meet.
            Assert.False(busyUntil < 0 && scheduler.Waiting > 0 && scheduler.NextDeadline <= now);
            long next = busyUntil >= 0 ? busyUntil : scheduler.Waiting > 0 ? scheduler.NextDeadline : long.MaxValue;
            if (offered < arrivals)
            {
                next = Math.Min(next, Math.Min(nextBursty, nextSmooth));
            }

            Assert.True(next != long.MaxValue || completed == arrivals, "deadlock");
            now = Math.Max(now, next);
        }

        foreach (EnvelopeCheck envelope in envelopes)
        {
            envelope.Verify();
        }

        // One service time, since what has started is not taken back; another for the other tenant's.
        Assert.True(worstSlack <= 2 * serviceTime, $"a conforming command was {worstSlack / 1e6} ms late (seed {seed})");
        Assert.True(scheduler.StatisticsOf(0)[3].Arrivals > 0, "the load never overran the envelopes, so the test shows nothing");
    }

    [Fact]
    public void Class_ChangedWhileCommandsWait_HoldsForThoseThatComeAfter()
    {
        using NestedQosScheduler scheduler = new(Options(10_000, Bursty, Smooth), 0);
        for (ulong i = 0; i < 12; i++)
        {
            scheduler.TryEnqueue(0, 0, 1, i, 0);
        }

        Assert.Empty(scheduler.SetClass(0, 0, Bursty.Classes[0] with { BurstUnits = 15, ResponseMilliseconds = 4 }, 0));
        Assert.Equal(15, scheduler.OptionsOf(0).Classes[0].BurstUnits);
        Assert.Equal(4 * Millisecond, scheduler.StatisticsOf(0)[0].ResponseNanoseconds);
        for (ulong i = 12; i < 20; i++)
        {
            scheduler.TryEnqueue(0, 0, 1, i, 0);
        }

        // What was taken stays taken: ten of the burst before, so five are left of fifteen.
        Assert.Equal([15L, 5L, 0L, 0L], scheduler.StatisticsOf(0).Select(statistics => statistics.Arrivals));
        Assert.True(scheduler.TryStart(0, out NestedQosStart start));
        Assert.Equal(5 * Millisecond, start.DeadlineNanoseconds);
    }

    [Fact]
    public void Class_ChangedBeyondTheCapacity_IsRefusedWithTheNumberAndStays()
    {
        using NestedQosScheduler scheduler = new(Options(5200, Bursty, Smooth), 0);
        double weight = scheduler.WeightOf(1);
        Assert.Contains("6211 (", Assert.Single(scheduler.SetClass(1, 0, Smooth.Classes[0] with { UnitsPerSecond = 2000 }, 0)).Message, StringComparison.Ordinal);
        Assert.Contains("classes[1]", Assert.Single(scheduler.SetClass(0, 0, Bursty.Classes[0] with { BurstUnits = 50 }, 0)).Place, StringComparison.Ordinal);
        Assert.Equal(Smooth.Classes[0], scheduler.OptionsOf(1).Classes[0]);
        Assert.Equal(weight, scheduler.WeightOf(1));
        Assert.Empty(scheduler.SetClass(1, 0, Smooth.Classes[0] with { UnitsPerSecond = 1020 }, 0));
        Assert.True(scheduler.WeightOf(1) > weight);
    }

    [Fact]
    public void SteadyState_Scheduled_AllocatesNothing()
    {
        using NestedQosScheduler scheduler = new(Options(null, Bursty, Smooth), 0);
        RunRounds(scheduler, 10);
        long before = GC.GetAllocatedBytesForCurrentThread();
        RunRounds(scheduler, 10_000);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private static void Finish(NestedQosScheduler scheduler, in NestedQosStart start, long now)
    {
        scheduler.OnServed(start, now);
        scheduler.OnCompleted(start, now);
    }

    private static void RunRounds(NestedQosScheduler scheduler, int rounds)
    {
        for (int i = 0; i < rounds; i++)
        {
            scheduler.TryEnqueue(i & 1, 0, 1, (ulong)i, i);
            if (scheduler.TryStart(i, out NestedQosStart start))
            {
                Finish(scheduler, start, i);
            }
        }
    }

    /// <summary>Shows from the arrivals alone that none exceeded burst + rate x time over any span (Lindley's recursion).</summary>
    private sealed class EnvelopeCheck(NestedQosClassOptions options)
    {
        private readonly List<long> _arrivals = [];

        internal void Add(long arrival) => _arrivals.Add(arrival);

        internal void Verify()
        {
            _arrivals.Sort();
            double level = 0;
            long last = 0;
            foreach (long arrival in _arrivals)
            {
                level = Math.Max(0, level - (arrival - last) / 1e9 * options.UnitsPerSecond) + 1;
                last = arrival;
                Assert.True(level <= options.BurstUnits + 0.01, $"{options.Name}: {level} units above the rate, {options.BurstUnits} allowed");
            }
        }
    }
}
