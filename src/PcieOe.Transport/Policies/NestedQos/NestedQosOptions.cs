using System.Globalization;

namespace PcieOe.Transport.Policies.NestedQos;

/// <summary>
/// One class of a tenant: arrivals within the envelope burst + rate x time are answered within the response time
/// (Wang and Varman, Nested QoS, WIOV '11). Units are 4 KiB moved, at least one for each command.
/// </summary>
public sealed record NestedQosClassOptions
{
    public required string Name { get; init; }

    /// <summary>Units that may come at once; at least the largest command's.</summary>
    public required double BurstUnits { get; init; }

    public required double UnitsPerSecond { get; init; }

    public required double ResponseMilliseconds { get; init; }
}

/// <summary>A tenant's classes, tightest first.</summary>
public sealed record NestedQosTenantOptions
{
    public required string Name { get; init; }

    public IReadOnlyList<NestedQosClassOptions> Classes { get; init; } = [];

    /// <summary>Share of the capacity in proportion to the other tenants'; null: what its classes need.</summary>
    public double? Weight { get; init; }

    /// <summary>
    /// Units a second that suffice for every class (reference: the paper's nesting; derivation in docs/policies.md): the largest of
    /// rate(i) and (burst(i) + rate(i) (response(i) - response(1))) / response(i). Zero without classes.
    /// </summary>
    public double NestedCapacity
    {
        get
        {
            double capacity = 0;
            foreach (NestedQosClassOptions member in Classes)
            {
                double response = member.ResponseMilliseconds / 1000;
                double first = Classes[0].ResponseMilliseconds / 1000;
                capacity = Math.Max(capacity, Math.Max(member.UnitsPerSecond, (member.BurstUnits + member.UnitsPerSecond * (response - first)) / response));
            }

            return capacity;
        }
    }

    /// <summary>Units a second that it would take to give everything in the widest envelope the tightest response time.</summary>
    public double SingleClassCapacity => Classes.Count == 0
        ? 0
        : Math.Max(Classes[^1].UnitsPerSecond, Classes[^1].BurstUnits / (Classes[0].ResponseMilliseconds / 1000));

    /// <summary>All mistakes, each with the class's number; empty if there are none.</summary>
    public IEnumerable<string> Validate()
    {
        if (Classes.Count > NestedQosScheduler.MaximumClasses)
        {
            yield return $"classes: there are {Classes.Count}, and {NestedQosScheduler.MaximumClasses} is the most.";
        }

        if (Weight is <= 0)
        {
            yield return "weight: must be above 0.";
        }

        for (int i = 0; i < Classes.Count; i++)
        {
            NestedQosClassOptions member = Classes[i];
            if (member.BurstUnits < 1 || member.UnitsPerSecond <= 0 || member.ResponseMilliseconds <= 0)
            {
                yield return $"classes[{i}]: burst must be at least 1, rate and response time above 0.";
            }

            if (i > 0 && (member.BurstUnits < Classes[i - 1].BurstUnits || member.UnitsPerSecond < Classes[i - 1].UnitsPerSecond
                || member.ResponseMilliseconds < Classes[i - 1].ResponseMilliseconds))
            {
                yield return $"classes[{i}]: burst, rate and response time must not be below those of classes[{i - 1}]: each class contains the one before.";
            }
        }
    }
}

/// <summary>The scheduler of one target.</summary>
public sealed record NestedQosOptions
{
    public IReadOnlyList<NestedQosTenantOptions> Tenants { get; init; } = [];

    /// <summary>Units a second that the endpoint serves; commands start at this pace. Null: as fast as <see cref="MaximumOutstanding"/> lets them.</summary>
    public double? CapacityUnitsPerSecond { get; init; }

    /// <summary>Commands that may be at the endpoint at once; the rest waits here, where the order is decided.</summary>
    public int MaximumOutstanding { get; init; } = 64;

    /// <summary>Commands that may wait here, of all tenants.</summary>
    public int MaximumWaiting { get; init; } = 65_536;

    /// <summary>The least part of a tenant's service that its best effort gets while it waits: so it never starves.</summary>
    public double BestEffortShare { get; init; } = 0.05;

    /// <summary>
    /// All mistakes; empty if there are none. That the capacity does not suffice is one of them, with the number that would.
    /// </summary>
    public IReadOnlyList<string> Validate()
    {
        List<string> mistakes = [];
        for (int i = 0; i < Tenants.Count; i++)
        {
            mistakes.AddRange(Tenants[i].Validate().Select(mistake => $"tenants[{i}].{mistake}"));
        }

        if (MaximumOutstanding < 1 || MaximumWaiting < 1)
        {
            mistakes.Add("maximumOutstanding, maximumWaiting: must be at least 1.");
        }

        if (BestEffortShare is < 0 or > 0.5)
        {
            mistakes.Add("bestEffortShare: must be from 0 to 0.5.");
        }

        double needed = Tenants.Sum(tenant => tenant.NestedCapacity) / (1 - BestEffortShare);
        if (CapacityUnitsPerSecond is { } capacity && capacity < needed)
        {
            mistakes.Add(string.Create(CultureInfo.InvariantCulture,
                $"capacity: {capacity:F0} units/s do not suffice for what the classes promise; it takes {needed:F0} units/s (best effort's share included). Raise it, or lower bursts or rates."));
        }

        return mistakes;
    }
}
