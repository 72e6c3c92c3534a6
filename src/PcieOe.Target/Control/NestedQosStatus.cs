using System.Text.Json;
using System.Text.Json.Nodes;
using PcieOe.Target.Policies;
using PcieOe.Transport.Histograms;
using PcieOe.Transport.Policies.NestedQos;

namespace PcieOe.Target.Control;

/// <summary>Nested QoS in the target's status: configured against achieved, for each class.</summary>
internal static class NestedQosStatus
{
    internal static JsonObject Of(NestedQosPolicy policy)
    {
        NestedQosScheduler scheduler = policy.Scheduler;
        NestedQosOptions options = scheduler.Options;
        double? learned = scheduler.LearnedCapacity > 0 ? Math.Round(scheduler.LearnedCapacity) : null;
        return new JsonObject
        {
            ["order"] = options.Order.ToString().ToLowerInvariant(),
            ["capacity_iops"] = options.CapacityUnitsPerSecond ?? learned,
            ["capacity_is_learned"] = options.CapacityUnitsPerSecond is null && learned is not null,
            ["needed_iops"] = Math.Round(options.NeededCapacity, 1),
            ["waiting"] = scheduler.Waiting,
            ["at_endpoint"] = scheduler.Outstanding,
            ["tenants"] = new JsonArray([.. Enumerable.Range(0, scheduler.TenantCount).Select(tenant => (JsonNode)OfTenant(scheduler, tenant))]),
        };
    }

    private static JsonObject OfTenant(NestedQosScheduler scheduler, int tenant)
    {
        NestedQosTenantOptions options = scheduler.OptionsOf(tenant);
        IReadOnlyList<NestedQosClassStatistics> statistics = scheduler.StatisticsOf(tenant);
        long arrivals = statistics.Sum(member => member.Arrivals);
        return new JsonObject
        {
            ["name"] = options.Name,
            ["weight"] = Math.Round(scheduler.WeightOf(tenant), 3),
            ["needed_iops"] = Math.Round(options.NestedCapacity, 1),
            ["single_class_iops"] = Math.Round(options.SingleClassCapacity, 1),
            ["classes"] = new JsonArray([.. statistics.Select((member, index) =>
                (JsonNode)OfClass(member, index < options.Classes.Count ? options.Classes[index] : null, arrivals))]),
        };
    }

    private static JsonObject OfClass(NestedQosClassStatistics statistics, NestedQosClassOptions? options, long arrivals) => new()
    {
        ["name"] = statistics.Name,
        ["burst"] = options?.BurstUnits,
        ["rate"] = options?.UnitsPerSecond,
        ["deadline_ms"] = options?.ResponseMilliseconds,
        ["arrivals"] = statistics.Arrivals,
        ["units"] = statistics.UnitsArrived,
        ["share"] = arrivals == 0 ? 0 : Math.Round(statistics.Arrivals / (double)arrivals, 6),
        ["met"] = statistics.Met,
        ["missed"] = statistics.Missed,
        ["waiting_us"] = Summary(statistics.Waiting),
        ["response_us"] = Summary(statistics.Response),
    };

    private static JsonNode? Summary(LatencyHistogram histogram) =>
        histogram.Count == 0 ? null : JsonSerializer.SerializeToNode(LatencySummary.Of(histogram), NestedQosJson.Default.LatencySummary);
}

[System.Text.Json.Serialization.JsonSerializable(typeof(LatencySummary))]
internal sealed partial class NestedQosJson : System.Text.Json.Serialization.JsonSerializerContext;
