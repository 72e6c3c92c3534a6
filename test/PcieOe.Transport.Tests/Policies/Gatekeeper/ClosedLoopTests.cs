using PcieOe.Transport.Policies.Gatekeeper;
using Xunit;

namespace PcieOe.Transport.Tests.Policies.Gatekeeper;

/// <summary>Senders, link and receiver together, in virtual time: guarantees, spare capacity, senders that do not listen.</summary>
public sealed class ClosedLoopTests(ITestOutputHelper output)
{
    /// <summary>Content against what the wire counts: header, check, Ethernet.</summary>
    private const double ContentOfWire = 8948.0 / 9052;

    private const int WarmUpWindows = 2;
    private static readonly GatekeeperOptions Promises = new()
    {
        Tenants =
        [
            Tenant("steady", 500),
            Tenant("greedy", 100),
            Tenant("passing", 200),
        ],
    };

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void GreedyBesideWellBehaved_WithPolicy_EveryWindowHasItsMinimum(bool fromOnePort)
    {
        using SimulatedNetwork network = Create(fromOnePort, Promises, Steady(), Greedy(), Passing());
        double[][] got = network.Run(30);
        Write(got, network);
        for (int window = WarmUpWindows; window < 30; window++)
        {
            Assert.InRange(got[0][window], 0.95 * 500 * ContentOfWire, 1000);
            Assert.InRange(got[1][window], 0.95 * 100 * ContentOfWire, 1000);
            Assert.InRange(got.Sum(tenant => tenant[window]), 900 * ContentOfWire, 1000);

            // On in every second 500 ms: what it has after the first two windows of them.
            if (window % 10 >= 7)
            {
                Assert.InRange(got[2][window], 0.95 * 200 * ContentOfWire, 1000);
            }
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void GreedyBesideWellBehaved_WithoutPolicy_TheGreedyOneWins(bool fromOnePort)
    {
        using SimulatedNetwork network = Create(fromOnePort, null, Steady(), Greedy(), Passing());
        double[][] got = network.Run(10);
        Write(got, network);
        Assert.True(got[0].Skip(WarmUpWindows).Min() < 0.95 * 500 * ContentOfWire, "Nothing would be shown: the tenant has its minimum anyway.");
    }

    [Fact]
    public void SenderThatIgnoresFeedback_IsHeldByItsWindow()
    {
        SimulatedTenant deaf = new("greedy") { OnFeedback = (_, _) => { } };
        using SimulatedNetwork network = Create(false, Promises, Steady(), deaf, Passing());
        double[][] got = network.Run(20);
        Write(got, network);
        using SimulatedNetwork listening = Create(false, Promises, Steady(), Greedy(), Passing());
        double[][] fair = listening.Run(20);
        for (int window = WarmUpWindows; window < 20; window++)
        {
            Assert.InRange(got[0][window], 0.95 * 500 * ContentOfWire, 1000);
        }

        Assert.InRange(got[1].Skip(WarmUpWindows).Sum(), 0, 1.05 * fair[1].Skip(WarmUpWindows).Sum());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void TenantWithAMaximum_GetsNoMore(bool fromOnePort)
    {
        GatekeeperOptions options = new() { Tenants = [Tenant("greedy", 100, 300)] };
        using SimulatedNetwork network = Create(fromOnePort, options, Greedy());
        double[][] got = network.Run(10);
        Write(got, network);
        Assert.All(got[0].Skip(WarmUpWindows), value => Assert.InRange(value, 0.9 * 300 * ContentOfWire, 1.02 * 300 * ContentOfWire));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void TenantBelowItsMinimum_LeavesTheRestToOthers(bool fromOnePort)
    {
        SimulatedTenant modest = new("steady") { WindowBytes = 8948 };
        using SimulatedNetwork network = Create(fromOnePort, Promises, modest, Greedy());
        double[][] got = network.Run(10);
        Write(got, network);
        for (int window = WarmUpWindows; window < 10; window++)
        {
            Assert.InRange(got[0][window], 50, 500);
            Assert.InRange(got.Sum(tenant => tenant[window]), 900 * ContentOfWire, 1000);
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void TenantThatComesBack_HasItsMinimumWithin100Milliseconds(bool fromOnePort)
    {
        SimulatedTenant comesBack = new("steady") { WindowBytes = 4 * 64 << 10, IsOn = now => now >= 200_000_000 };
        using SimulatedNetwork network = Create(fromOnePort, Promises, comesBack, Greedy());
        double[][] got = network.Run(40, windowNanoseconds: 10_000_000);
        Write(got, network);
        Assert.All(got[0].Skip(30), value => Assert.InRange(value, 0.95 * 500 * ContentOfWire, 1000));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void AnyMixOfTenants_WithPolicy_EveryOneThatAsksHasItsMinimum(bool fromOnePort)
    {
        for (int seed = 1; seed <= 5; seed++)
        {
            // Promises for nine tenths of the link among four tenants; one of them is greedy, the others have windows that suffice and
            // come and go, all but the first.
            Random random = new(seed);
            double[] minima = [.. Enumerable.Range(0, 4).Select(_ => 20 + 200 * random.NextDouble())];
            long[] periods = [.. minima.Select(_ => random.NextInt64(600, 900) * 1_000_000)];
            SimulatedTenant[] tenants = [.. minima.Select((_, i) => new SimulatedTenant($"t{i}")
            {
                WindowBytes = i == 3 ? long.MaxValue : random.Next(12, 40) * 8948,
                IsOn = i is 0 or 3 ? _ => true : now => now / periods[i] % 2 == 0,
            })];
            GatekeeperOptions options = new() { Tenants = [.. minima.Select((minimum, i) => Tenant($"t{i}", Math.Round(minimum * 900 / minima.Sum())))] };
            using SimulatedNetwork network = Create(fromOnePort, options, tenants);
            double[][] got = network.Run(20);
            for (int i = 0; i < tenants.Length; i++)
            {
                for (int window = WarmUpWindows; window < 20; window++)
                {
                    bool asks = tenants[i].IsOn((window + 1) * 100_000_000L - 1) && tenants[i].IsOn(Math.Max(0, window - WarmUpWindows) * 100_000_000L);
                    double least = asks ? 0.95 * options.Tenants[i].Egress.MinimumMegabitsPerSecond * ContentOfWire : 0;
                    Assert.True(got[i][window] >= least, $"seed {seed}: tenant {i} got {got[i][window]:F0} Mb/s in window {window}, and its minimum is {options.Tenants[i].Egress.MinimumMegabitsPerSecond}");
                }
            }
        }
    }

    private static GatekeeperTenantOptions Tenant(string name, double minimum, double? maximum = null) =>
        new() { Name = name, Egress = new(minimum, maximum), Ingress = new(minimum, maximum) };

    private static SimulatedNetwork Create(bool fromOnePort, GatekeeperOptions? options, params SimulatedTenant[] tenants) =>
        fromOnePort ? SimulatedNetwork.FromOnePort(tenants, options) : SimulatedNetwork.ToOnePort(tenants, options);

    private static SimulatedTenant Steady() => new("steady") { WindowBytes = 4 * 64 << 10 };

    private static SimulatedTenant Greedy() => new("greedy");

    private static SimulatedTenant Passing() => new("passing") { IsOn = now => now / 500_000_000 % 2 == 1 };

    private void Write(double[][] got, SimulatedNetwork network)
    {
        foreach (double[] tenant in got)
        {
            output.WriteLine(string.Join(' ', tenant.Select(value => $"{value,4:F0}")));
        }

        output.WriteLine($"{network.Dropped} dropped");
    }
}
