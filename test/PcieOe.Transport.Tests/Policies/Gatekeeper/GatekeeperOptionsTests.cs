using PcieOe.Transport.Policies.Gatekeeper;
using Xunit;

namespace PcieOe.Transport.Tests.Policies.Gatekeeper;

public sealed class GatekeeperOptionsTests
{
    [Fact]
    public void MinimaBeyondTheLink_AreRefusedWithTheirSum()
    {
        GatekeeperOptions options = new()
        {
            Tenants =
            [
                new() { Name = "a", Egress = new(600, null) },
                new() { Name = "b", Egress = new(400.5, 500), Ingress = new(1000, null) },
            ],
        };
        Assert.Equal(["tenants: their egress minima sum up to 1000.5 Mb/s, and the link has 1000 Mb/s: nobody could keep that promise."], options.Validate(1000).Select(mistake => mistake.ToString()));
        Assert.Empty(options.Validate(10_000));
        Assert.Empty(options.Validate(null));
        Assert.Throws<ArgumentException>(() => new PortGatekeeper(options, 1000, 4));
    }

    [Fact]
    public void ImpossibleValues_AreAllReported()
    {
        GatekeeperOptions options = new()
        {
            LinkMegabitsPerSecond = 0,
            UtilizationPercent = double.NaN,
            IntervalMicroseconds = 50,
            Tenants = [new() { Name = "a", Egress = new(-1, null), Ingress = new(200, 100) }, new() { Name = "a" }],
        };
        Assert.Equal(
            ["linkMbps", "intervalMicroseconds", "utilizationPercent", "tenants[0].egress.minMbps", "tenants[0].ingress.maxMbps", "tenants"],
            options.Validate(null).Select(mistake => mistake.Place));
    }

    [Fact]
    public void LimitsChangedAtRunTime_AreCheckedAgainstTheOthers()
    {
        PortGatekeeper port = new(new GatekeeperOptions { Tenants = [new() { Name = "a", Egress = new(600, null) }, new() { Name = "b" }] }, 1000, 4);
        Assert.Contains("1100 Mb/s", Assert.Single(port.SetLimits("b", new(500, null), null)), StringComparison.Ordinal);
        Assert.Contains("There is no tenant 'c'", Assert.Single(port.SetLimits("c", new(1, null), null)), StringComparison.Ordinal);
        Assert.Equal(0, port.Report().Single(tenant => tenant.Name == "b").Egress.Limits.MinimumMegabitsPerSecond);
        Assert.Empty(port.SetLimits("b", new(400, 800), new(10, null)));
        TenantBandwidth changed = port.Report().Single(tenant => tenant.Name == "b");
        Assert.Equal((new BandwidthLimits(400, 800), new BandwidthLimits(10, null)), (changed.Egress.Limits, changed.Ingress.Limits));
    }
}
