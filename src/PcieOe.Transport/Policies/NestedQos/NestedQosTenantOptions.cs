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
    /// <summary>Above this a bucket's arithmetic would not be exact.</summary>
    public const double MaximumUnits = 1e9;

    public required string Name { get; init; }

    public IReadOnlyList<NestedQosClassOptions> Classes { get; init; } = [];

    /// <summary>Share of the capacity in proportion to the other tenants'; 1 where only others have one; what its classes need where none has.</summary>
    public double? Weight { get; init; }

    /// <summary>
    /// Units a second that suffice for every class (derivation in docs/policies.md): the largest of rate(i) and
    /// (burst(i) + rate(i) (response(i) - response(1))) / response(i). Zero without classes.
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

    /// <summary>All mistakes; empty if there are none.</summary>
    public IEnumerable<NestedQosMistake> Validate()
    {
        if (Classes.Count > NestedQosScheduler.MaximumClasses)
        {
            yield return new("classes", $"has {Classes.Count} members, and {NestedQosScheduler.MaximumClasses} is the most.");
        }

        if (Weight is not (null or (> 0 and <= MaximumUnits)))
        {
            yield return new("weight", "must be above 0.");
        }

        for (int i = 0; i < Classes.Count; i++)
        {
            NestedQosClassOptions member = Classes[i];
            if (!(member.BurstUnits is >= 1 and <= MaximumUnits && member.UnitsPerSecond is > 0 and <= MaximumUnits && member.ResponseMilliseconds is > 0 and <= 3_600_000))
            {
                yield return new($"classes[{i}]", "burst must be at least 1, rate and response time above 0.");
            }

            if (i > 0 && (member.BurstUnits < Classes[i - 1].BurstUnits || member.UnitsPerSecond < Classes[i - 1].UnitsPerSecond
                || member.ResponseMilliseconds < Classes[i - 1].ResponseMilliseconds))
            {
                yield return new($"classes[{i}]", $"burst, rate and response time must not be below those of classes[{i - 1}]: each class contains the one before.");
            }
        }
    }
}

/// <summary>What is wrong with options, and where: "tenants[0].classes[1]".</summary>
public readonly record struct NestedQosMistake(string Place, string Message)
{
    public override string ToString() => $"{Place} {Message}";
}
