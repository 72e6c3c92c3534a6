using PcieOe.Transport.Policies.Gatekeeper;

namespace PcieOe.Daemon.Configuration;

/// <summary>The section <c>gatekeeper</c> of either daemon (docs/policies.md).</summary>
public static class GatekeeperSettings
{
    private static readonly GatekeeperOptions Defaults = new();

    /// <summary>Null where there is no such section.</summary>
    public static GatekeeperOptions? Read(ConfigurationReader root)
    {
        if (!root.Has("gatekeeper"))
        {
            return null;
        }

        ConfigurationReader reader = root.Section("gatekeeper");
        GatekeeperOptions options = new()
        {
            LinkMegabitsPerSecond = reader.Has("linkMbps") ? reader.Number("linkMbps", 1, 1, GatekeeperOptions.MaximumLinkMegabitsPerSecond) : null,
            Tenants = [.. reader.List("tenants").Select(ReadTenant)],
            IntervalMicroseconds = (int)reader.Integer("intervalMicroseconds", Defaults.IntervalMicroseconds, 100, 100_000),
            UtilizationPercent = reader.Number("utilizationPercent", Defaults.UtilizationPercent, 50, 100),
            BurstMicroseconds = (int)reader.Integer("burstMicroseconds", Defaults.BurstMicroseconds, 10, 100_000),
            HoldMicroseconds = (int)reader.Integer("holdMicroseconds", Defaults.HoldMicroseconds, 200, 1_000_000),
            RaisePercent = reader.Number("raisePercent", Defaults.RaisePercent, 0.1, 100),
        };
        foreach (GatekeeperMistake mistake in options.Validate(options.LinkMegabitsPerSecond))
        {
            reader.Report(mistake.Place, mistake.Message);
        }

        return options;
    }

    private static GatekeeperTenantOptions ReadTenant(ConfigurationReader reader) => new()
    {
        Name = reader.RequiredText("name", "the tenant's name, as hosts or attachments have it"),
        Egress = ReadLimits(reader.Section("egress")),
        Ingress = ReadLimits(reader.Section("ingress")),
    };

    private static BandwidthLimits ReadLimits(ConfigurationReader reader) => new(
        reader.Number("minMbps", 0, 0, GatekeeperOptions.MaximumLinkMegabitsPerSecond),
        reader.Has("maxMbps") ? reader.Number("maxMbps", 1, 1, GatekeeperOptions.MaximumLinkMegabitsPerSecond) : null);
}
