using PcieOe.Daemon.Configuration;
using PcieOe.Transport.Policies.NestedQos;

namespace PcieOe.Target.Configuration;

/// <summary>The section <c>nestedQos</c> (docs/policies.md).</summary>
/// <param name="Options">The scheduler's, with a tenant for those who are not named.</param>
/// <param name="OtherTenant">Its index.</param>
internal sealed record NestedQosSettings(NestedQosOptions Options, int OtherTenant)
{
    /// <summary>Counts for all tenants that the section does not name; best effort only, unless it is named itself.</summary>
    public const string OtherTenantName = "others";

    /// <summary>Null where there is no such section.</summary>
    /// <param name="hostTenants">Tenants of the configured hosts.</param>
    public static NestedQosSettings? Read(ConfigurationReader root, IReadOnlyCollection<string> hostTenants)
    {
        if (!root.Has("nestedQos"))
        {
            return null;
        }

        ConfigurationReader reader = root.Section("nestedQos");
        List<NestedQosTenantOptions> tenants = [.. reader.List("tenants").Select(ReadTenant)];
        foreach (IGrouping<string, NestedQosTenantOptions> twins in tenants.GroupBy(tenant => tenant.Name).Where(group => group.Count() > 1))
        {
            reader.Report("tenants", $"has {twins.Count()} entries named '{twins.Key}'; names must differ.");
        }

        for (int i = 0; i < tenants.Count && hostTenants.Count > 0; i++)
        {
            if (tenants[i].Name is not ("" or OtherTenantName) && !hostTenants.Contains(tenants[i].Name))
            {
                reader.Report($"tenants[{i}].name", $"is '{tenants[i].Name}', which no host has for its tenant ({string.Join(", ", hostTenants.Distinct().Order(StringComparer.Ordinal))}).");
            }
        }

        if (tenants.All(tenant => tenant.Name != OtherTenantName))
        {
            tenants.Add(new NestedQosTenantOptions { Name = OtherTenantName });
        }

        NestedQosOptions options = new()
        {
            Tenants = tenants,
            CapacityUnitsPerSecond = reader.Has("capacityIops") ? reader.Number("capacityIops", 1, 1, NestedQosTenantOptions.MaximumUnits) : null,
            MaximumOutstanding = (int)reader.Integer("outstanding", 64, 1, 65_536),
            BestEffortShare = reader.Number("bestEffortShare", 0.05, 0, 0.5),
            Order = reader.Choice("order", NestedQosOrder.Deadline),
        };
        foreach (NestedQosMistake mistake in options.Validate())
        {
            reader.Report(mistake.Place, mistake.Message);
        }

        return new NestedQosSettings(options, tenants.FindIndex(tenant => tenant.Name == OtherTenantName));
    }

    private static NestedQosTenantOptions ReadTenant(ConfigurationReader reader) => new()
    {
        Name = reader.RequiredText("name", "the tenant, as hosts[].tenant has it (a host's own name where it has none)"),
        Weight = reader.Has("weight") ? reader.Number("weight", 1, 0.001, NestedQosTenantOptions.MaximumUnits) : null,
        Classes = [.. reader.List("classes").Select(ReadClass)],
    };

    private static NestedQosClassOptions ReadClass(ConfigurationReader reader, int index)
    {
        double response = Required(reader, "responseMilliseconds", "within how many milliseconds conforming commands are answered", 3_600_000);
        return new NestedQosClassOptions
        {
            Name = reader.Text("name") ?? $"class{index + 1}",
            BurstUnits = Required(reader, "burst", "how many units of 4 KiB may come at once", NestedQosTenantOptions.MaximumUnits),
            UnitsPerSecond = Required(reader, "rate", "how many units of 4 KiB a second may come in the long run", NestedQosTenantOptions.MaximumUnits),
            ResponseMilliseconds = response,
        };
    }

    private static double Required(ConfigurationReader reader, string key, string explanation, double maximum)
    {
        if (!reader.Has(key))
        {
            reader.Report(key, $"is missing: {explanation}.");
        }

        return reader.Number(key, 1, 0.001, maximum);
    }
}
