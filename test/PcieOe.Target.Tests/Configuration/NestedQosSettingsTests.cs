using System.Text;
using Microsoft.Extensions.Configuration;
using PcieOe.Daemon.Configuration;
using PcieOe.Target.Configuration;
using PcieOe.Transport.Policies.NestedQos;
using Xunit;

namespace PcieOe.Target.Tests.Configuration;

public sealed class NestedQosSettingsTests
{
    [Fact]
    public void Section_Absent_MeansNoPolicy()
    {
        Assert.Null(Read("{}", out IReadOnlyList<ConfigurationProblem> problems));
        Assert.Empty(problems);
    }

    [Fact]
    public void Section_Complete_IsTakenAsItStands()
    {
        NestedQosSettings settings = Read("""
            { "nestedQos": { "capacityIops": 20000, "outstanding": 32, "bestEffortShare": 0.1, "order": "arrival", "tenants": [
                { "name": "web", "weight": 3, "classes": [ { "name": "gold", "burst": 8, "rate": 1000, "responseMilliseconds": 5 },
                                                           { "burst": 80, "rate": 2000, "responseMilliseconds": 50 } ] } ] } }
            """, out IReadOnlyList<ConfigurationProblem> problems)!;
        Assert.Empty(problems);
        NestedQosOptions options = settings.Options;
        Assert.Equal((20000.0, 32, 0.1, NestedQosOrder.Arrival), (options.CapacityUnitsPerSecond, options.MaximumOutstanding, options.BestEffortShare, options.Order));
        Assert.Equal(["web", "others"], options.Tenants.Select(tenant => tenant.Name));
        Assert.Equal(1, settings.OtherTenant);
        Assert.Equal(["gold", "class2"], options.Tenants[0].Classes.Select(member => member.Name));
        Assert.Equal((80.0, 2000.0, 50.0), (options.Tenants[0].Classes[1].BurstUnits, options.Tenants[0].Classes[1].UnitsPerSecond, options.Tenants[0].Classes[1].ResponseMilliseconds));
    }

    [Theory]
    [InlineData("""{ "capacityIops": 100, "tenants": [ { "name": "web", "classes": [ { "burst": 8, "rate": 1000, "responseMilliseconds": 5 } ] } ] }""",
        "nestedQos.capacityIops: is 100, which does not suffice for what the classes promise: that takes 1685")]
    [InlineData("""{ "capacityIops": 10000, "tenants": [ { "name": "web", "weight": 1, "classes": [ { "burst": 8, "rate": 1000, "responseMilliseconds": 5 } ] }, { "name": "db", "weight": 9 } ] }""",
        "nestedQos.tenants[0].weight: is 1 of")]
    [InlineData("""{ "tenants": [ { "name": "web", "classes": [ { "burst": 8, "rate": 1000, "responseMilliseconds": 5 }, { "burst": 4, "rate": 1000, "responseMilliseconds": 5 } ] } ] }""",
        "nestedQos.tenants[0].classes[1]: burst, rate and response time must not be below")]
    [InlineData("""{ "tenants": [ { "name": "wbe" } ] }""", "nestedQos.tenants[0].name: is 'wbe', which no host has for its tenant (db, web)")]
    [InlineData("""{ "tenants": [ { "name": "web" }, { "name": "web" } ] }""", "nestedQos.tenants: has 2 entries named 'web'")]
    [InlineData("""{ "tenants": [ { "name": "web", "classes": [ { "rate": 1000, "responseMilliseconds": 5 } ] } ] }""", "nestedQos.tenants[0].classes[0].burst: is missing")]
    [InlineData("""{ "capacity": 100 }""", "nestedQos.capacity: is not a setting.")]
    public void Mistake_InTheSection_IsNamedWithItsPlace(string section, string expected)
    {
        Read($$"""{ "nestedQos": {{section}} }""", out IReadOnlyList<ConfigurationProblem> problems);
        ConfigurationProblem problem = Assert.Single(problems);
        Assert.StartsWith(expected, $"{problem.Place}: {problem.Message}", StringComparison.Ordinal);
    }

    private static NestedQosSettings? Read(string json, out IReadOnlyList<ConfigurationProblem> problems)
    {
        using MemoryStream stream = new(Encoding.UTF8.GetBytes(json));
        ConfigurationReader reader = new(new ConfigurationBuilder().AddJsonStream(stream).Build());
        NestedQosSettings? settings = NestedQosSettings.Read(reader, ["web", "db"]);
        problems = reader.Finish();
        return settings;
    }
}
