using PcieOe.Transport.Policies.Gatekeeper;

namespace PcieOe.Benchmarks.Policies;

/// <summary>One decision whose frame leaves a port next, among so many tenants that all have frames: choice, accounting, and the tenant's new place.</summary>
internal static class EgressBenchmarks
{
    private const int DecisionsInACall = 256;
    private const int FrameBytes = 9000;
    private const double LinkBytesPerSecond = 1.25e9;

    public static IEnumerable<Benchmark> All()
    {
        foreach (int tenants in (int[])[1, 4, 16, 64, 256])
        {
            string name = $"gatekeeper/decision-{tenants}-tenants";
            yield return new Benchmark(name, () => Measure(name, tenants));
        }
    }

    private static Measurement Measure(string name, int tenants)
    {
        EgressScheduler scheduler = new(tenants, tenants, LinkBytesPerSecond, burstNanoseconds: 1_000_000);
        for (int i = 0; i < tenants; i++)
        {
            scheduler.SetTenant(i, LinkBytesPerSecond * (1 + i) / tenants / tenants, maximumBytesPerSecond: 0);
            scheduler.AddFlow(i, i);
            scheduler.MarkReady(i, 0);
        }

        // Time goes on by what a frame takes, so that the link is always just free.
        long now = 0;
        return Measurement.Take(name, DecisionsInACall, _ =>
        {
            for (int i = 0; i < DecisionsInACall; i++)
            {
                now += 10_000;
                if (scheduler.TryNext(now, out int flow))
                {
                    scheduler.OnSent(flow, FrameBytes, now);
                }
            }
        });
    }
}
