using System.Globalization;

namespace PcieOe.Transport.Policies.Gatekeeper;

/// <summary>What one tenant has of a port in one direction. Megabits a second are 10^6 bits, as the wire counts them.</summary>
/// <param name="MinimumMegabitsPerSecond">Guaranteed whenever the tenant asks for it; 0: a share of what nobody is guaranteed.</param>
/// <param name="MaximumMegabitsPerSecond">Never more; null: the link.</param>
public readonly record struct BandwidthLimits(double MinimumMegabitsPerSecond, double? MaximumMegabitsPerSecond);

/// <summary>A tenant's limits at one port.</summary>
public sealed record GatekeeperTenantOptions
{
    public required string Name { get; init; }

    /// <summary>What leaves this port.</summary>
    public BandwidthLimits Egress { get; init; }

    /// <summary>What arrives at this port.</summary>
    public BandwidthLimits Ingress { get; init; }
}

/// <summary>Bandwidth guarantees at one port (Gatekeeper, WIOV '11). Who is not named has no minimum and no maximum.</summary>
public sealed record GatekeeperOptions
{
    public const double MaximumLinkMegabitsPerSecond = 1_000_000;

    /// <summary>The link's rate; null: as the interface says. The narrowest place of the path, if that is not the interface.</summary>
    public double? LinkMegabitsPerSecond { get; init; }

    public IReadOnlyList<GatekeeperTenantOptions> Tenants { get; init; } = [];

    /// <summary>How often arrivals are measured and allotted.</summary>
    public int IntervalMicroseconds { get; init; } = 2000;

    /// <summary>How much of the link is given away: the rest keeps queues in the network short.</summary>
    public double UtilizationPercent { get; init; } = 97;

    /// <summary>How much may leave at once after a pause, as time at the sender's rate.</summary>
    public int BurstMicroseconds { get; init; } = 1000;

    /// <summary>For how long a sender obeys one feedback.</summary>
    public int HoldMicroseconds { get; init; } = 20_000;

    /// <summary>How much faster a sender becomes in every interval without feedback.</summary>
    public double RaisePercent { get; init; } = 10;

    /// <summary>All mistakes; empty if there are none.</summary>
    /// <param name="linkMegabitsPerSecond">The link's rate as far as it is known; null: sums are not looked at.</param>
    public IReadOnlyList<GatekeeperMistake> Validate(double? linkMegabitsPerSecond)
    {
        List<GatekeeperMistake> mistakes = [];
        Check("linkMbps", LinkMegabitsPerSecond ?? 1, 1, MaximumLinkMegabitsPerSecond);
        Check("intervalMicroseconds", IntervalMicroseconds, 100, 100_000);
        Check("utilizationPercent", UtilizationPercent, 50, 100);
        Check("burstMicroseconds", BurstMicroseconds, 10, 100_000);
        Check("holdMicroseconds", HoldMicroseconds, 2 * IntervalMicroseconds, 1_000_000);
        Check("raisePercent", RaisePercent, 0.1, 100);
        for (int i = 0; i < Tenants.Count; i++)
        {
            CheckLimits($"tenants[{i}].egress", Tenants[i].Egress);
            CheckLimits($"tenants[{i}].ingress", Tenants[i].Ingress);
        }

        foreach (IGrouping<string, GatekeeperTenantOptions> twins in Tenants.GroupBy(tenant => tenant.Name).Where(group => group.Count() > 1))
        {
            mistakes.Add(new("tenants", $"has {twins.Count()} entries named '{twins.Key}'; names must differ."));
        }

        if (linkMegabitsPerSecond is { } link)
        {
            CheckSum("egress", link, Tenants.Sum(tenant => tenant.Egress.MinimumMegabitsPerSecond));
            CheckSum("ingress", link, Tenants.Sum(tenant => tenant.Ingress.MinimumMegabitsPerSecond));
        }

        return mistakes;

        void Check(string key, double value, double least, double most)
        {
            if (!(value >= least && value <= most))
            {
                mistakes.Add(new(key, string.Create(CultureInfo.InvariantCulture, $"is {value}; it must be from {least} to {most}.")));
            }
        }

        void CheckLimits(string place, BandwidthLimits limits)
        {
            Check($"{place}.minMbps", limits.MinimumMegabitsPerSecond, 0, MaximumLinkMegabitsPerSecond);
            Check($"{place}.maxMbps", limits.MaximumMegabitsPerSecond ?? 1, 1, MaximumLinkMegabitsPerSecond);
            if (limits.MaximumMegabitsPerSecond < limits.MinimumMegabitsPerSecond)
            {
                mistakes.Add(new($"{place}.maxMbps", string.Create(CultureInfo.InvariantCulture,
                    $"is {limits.MaximumMegabitsPerSecond}, less than the minimum of {limits.MinimumMegabitsPerSecond}.")));
            }
        }

        void CheckSum(string direction, double link, double sum)
        {
            if (sum > link)
            {
                mistakes.Add(new("tenants", string.Create(CultureInfo.InvariantCulture,
                    $"their {direction} minima sum up to {sum} Mb/s, and the link has {link} Mb/s: nobody could keep that promise.")));
            }
        }
    }
}

/// <summary>What is wrong with options, and where.</summary>
/// <param name="Place">The key, as in the configuration: "tenants[0].egress.maxMbps".</param>
public readonly record struct GatekeeperMistake(string Place, string Message)
{
    public override string ToString() => $"{Place}: {Message}";
}
