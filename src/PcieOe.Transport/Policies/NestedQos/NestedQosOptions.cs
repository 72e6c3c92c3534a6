using System.Globalization;

namespace PcieOe.Transport.Policies.NestedQos;

/// <summary>In which order commands start.</summary>
public enum NestedQosOrder : byte
{
    /// <summary>What conforms first, fair among tenants, earliest deadline first within each; then best effort.</summary>
    Deadline,

    /// <summary>As they come, at the same pace: classes are told apart and counted, and nobody is preferred. To see what a load would get.</summary>
    Arrival,
}

/// <summary>The scheduler of one target.</summary>
public sealed record NestedQosOptions
{
    public IReadOnlyList<NestedQosTenantOptions> Tenants { get; init; } = [];

    /// <summary>Units a second that the endpoint serves; commands start at this pace. Null: as fast as <see cref="MaximumOutstanding"/> lets them.</summary>
    public double? CapacityUnitsPerSecond { get; init; }

    public NestedQosOrder Order { get; init; }

    /// <summary>
    /// Commands that may be at the endpoint at once; the rest waits here, where the order is decided. One tenant of several may have
    /// three quarters of them, so that none that is stuck holds up all.
    /// </summary>
    public int MaximumOutstanding { get; init; } = 64;

    /// <summary>Commands that may wait here, of all tenants.</summary>
    public int MaximumWaiting { get; init; } = 65_536;

    /// <summary>The least part of the service that best effort gets while any waits: so it never starves.</summary>
    public double BestEffortShare { get; init; } = 0.05;

    /// <summary>Units a second that all classes of all tenants need, best effort's share included.</summary>
    public double NeededCapacity => Tenants.Sum(NeedOf);

    internal int MaximumOutstandingOfTenant => Tenants.Count > 1 ? Math.Max(1, MaximumOutstanding * 3 / 4) : MaximumOutstanding;

    /// <summary>
    /// All mistakes; empty if there are none. That the capacity does not suffice is one of them, with the number that would.
    /// </summary>
    public IReadOnlyList<NestedQosMistake> Validate()
    {
        List<NestedQosMistake> mistakes = [];
        for (int i = 0; i < Tenants.Count; i++)
        {
            string place = $"tenants[{i}]";
            mistakes.AddRange(Tenants[i].Validate().Select(mistake => mistake with { Place = $"{place}.{mistake.Place}" }));
        }

        if (MaximumOutstanding < 1)
        {
            mistakes.Add(new("outstanding", "must be at least 1."));
        }

        if (MaximumWaiting < 1)
        {
            mistakes.Add(new("waiting", "must be at least 1."));
        }

        if (!(BestEffortShare is >= 0 and <= 0.5))
        {
            mistakes.Add(new("bestEffortShare", "must be from 0 to 0.5."));
        }

        if (mistakes.Count == 0 && CapacityUnitsPerSecond is { } capacity)
        {
            CheckCapacity(capacity, mistakes);
        }

        return mistakes;
    }

    /// <summary>
    /// Each tenant's weight: as configured, 1 for those that are left out. If none is configured: what the tenant's classes need, or,
    /// without classes, an equal part of what the others leave.
    /// </summary>
    internal double[] Weights()
    {
        if (Tenants.Any(tenant => tenant.Weight is not null))
        {
            return [.. Tenants.Select(tenant => tenant.Weight ?? 1)];
        }

        double[] needs = [.. Tenants.Select(NeedOf)];
        int others = needs.Count(need => need == 0);
        double smallest = needs.Where(need => need > 0).DefaultIfEmpty(1).Min();

        // Something must be left for those without classes, were it a thousandth.
        double left = CapacityUnitsPerSecond is { } capacity
            ? Math.Max(capacity - needs.Sum(), capacity / 1000) / Math.Max(1, others)
            : smallest;
        return [.. needs.Select(need => need > 0 ? need : left)];
    }

    private double NeedOf(NestedQosTenantOptions tenant) => tenant.NestedCapacity / (1 - BestEffortShare);

    private void CheckCapacity(double capacity, List<NestedQosMistake> mistakes)
    {
        double needed = NeededCapacity;
        if (capacity < needed)
        {
            mistakes.Add(new("capacityIops", string.Create(CultureInfo.InvariantCulture,
                $"is {capacity:F0}, which does not suffice for what the classes promise: that takes {Math.Ceiling(needed):F0} (best effort's share included). Raise it, or lower bursts or rates.")));
            return;
        }

        double[] weights = Weights();
        double sum = weights.Sum();
        for (int i = 0; i < weights.Length; i++)
        {
            // The tolerance covers the thousandth that is left for tenants without classes.
            double share = capacity * weights[i] / sum;
            double need = NeedOf(Tenants[i]);
            if (share < need * 0.998)
            {
                mistakes.Add(new($"tenants[{i}].weight", string.Create(CultureInfo.InvariantCulture,
                    $"is {weights[i]:G6} of {sum:G6}, a share of {share:F0} units/s, and the tenant's classes need {Math.Ceiling(need):F0}. Raise it, lower the others', or leave the weights out.")));
            }
        }
    }
}
