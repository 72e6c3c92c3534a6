using PcieOe.Transport.Policies.NestedQos;
using PcieOe.Transport.Policies.NestedQos.Planning;
using Xunit;

namespace PcieOe.Transport.Tests.Policies.NestedQos.Planning;

public sealed class EnvelopeFitterTests
{
    private const long Millisecond = 1_000_000;

    private static readonly ClassTarget[] Targets = [new(0.9, 5), new(0.99, 20), new(1, 100)];

    [Fact]
    public void Capacity_OfSteadyArrivals_IsTheirRate()
    {
        EnvelopeFitter fitter = new([.. Enumerable.Range(0, 5000).Select(i => new PlannedArrival(i * Millisecond, 1))]);
        Assert.InRange(fitter.LeastSingleCapacity(1, 5), 990, 1010);
    }

    [Fact]
    public void Capacity_OfOneBurst_IsItsSizeInTheTimeThereIs()
    {
        EnvelopeFitter fitter = new([.. Enumerable.Range(0, 100).Select(_ => new PlannedArrival(0, 2))]);
        Assert.InRange(fitter.LeastSingleCapacity(1, 10), 20_000, 20_100);
        Assert.InRange(fitter.LeastSingleCapacity(0.5, 10), 10_000, 10_050);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void BurstyTrace_Fitted_KeepsWhatWasAskedAtLessThanOneClass(int seed)
    {
        PlannedArrival[] arrivals = Bursty(seed);
        EnvelopeFit fit = new EnvelopeFitter(arrivals).Fit(Targets);
        Assert.Empty(fit.Tenant.Validate());
        for (int i = 0; i < Targets.Length; i++)
        {
            Assert.True(fit.Fractions[i] >= Targets[i].Fraction, $"class {i + 1} holds {fit.Fractions[i]} (seed {seed})");
        }

        double capacity = fit.Tenant.NestedCapacity;
        Assert.True(capacity < 0.7 * fit.SingleClassCapacity, $"{capacity} nested, {fit.SingleClassCapacity} alone (seed {seed})");
        Assert.Equal(0, WorstLateness(arrivals, fit.Tenant, capacity));
    }

    // The capacity that was found does serve the trace: played in virtual time, one unit after the other.
    private static long WorstLateness(PlannedArrival[] arrivals, NestedQosTenantOptions tenant, double capacity)
    {
        using NestedQosScheduler scheduler = new(
            new NestedQosOptions { Tenants = [tenant], CapacityUnitsPerSecond = capacity, BestEffortShare = 0, MaximumOutstanding = 1, MaximumWaiting = arrivals.Length }, 0);
        long now = 0, worst = 0;
        int offered = 0, completed = 0;
        while (completed < arrivals.Length)
        {
            while (offered < arrivals.Length && arrivals[offered].Nanoseconds <= now)
            {
                Assert.True(scheduler.TryEnqueue(0, 0, arrivals[offered].Units, (ulong)offered, arrivals[offered].Nanoseconds));
                offered++;
            }

            if (scheduler.TryStart(now, out NestedQosStart start))
            {
                long service = (long)(start.Units / capacity * 1e9);
                now += service;
                completed++;
                scheduler.OnServed(start, now);

                // One service time is the price of not taking back what has started; twice, since the pace is rounded.
                worst = start.DeadlineNanoseconds == long.MaxValue ? worst : Math.Max(worst, now - start.DeadlineNanoseconds - 2 * service);
                continue;
            }

            long next = offered < arrivals.Length ? arrivals[offered].Nanoseconds : long.MaxValue;
            now = Math.Max(now + 1, Math.Min(next, scheduler.NextDeadline));
        }

        return worst;
    }

    private static PlannedArrival[] Bursty(int seed)
    {
        Random random = new(seed);
        List<PlannedArrival> arrivals = [];
        for (long time = 0; time < 5_000 * Millisecond; time += random.NextInt64(Millisecond))
        {
            arrivals.Add(new(time, 1));
        }

        for (long burst = 0; burst < 5_000 * Millisecond; burst += random.NextInt64(100 * Millisecond, 300 * Millisecond))
        {
            arrivals.AddRange(Enumerable.Range(0, random.Next(50, 300)).Select(i => new PlannedArrival(burst + i * 10_000, random.Next(1, 3))));
        }

        return [.. arrivals.OrderBy(arrival => arrival.Nanoseconds)];
    }
}
