using System.Text.Json.Nodes;
using PcieOe.Host.FrontEnds.VfioUser;

namespace PcieOe.Host.Control;

/// <summary>What a vfio-user front end has counted. Messages are what the client traps into; mapped doorbells take none.</summary>
internal static class VfioUserStatus
{
    internal static JsonNode Of(VfioUserFrontEnd frontEnd)
    {
        VfioUserCounters counters = frontEnd.Counters;
        return new JsonObject
        {
            ["socket"] = frontEnd.SocketPath,
            ["clients"] = counters.Clients,
            ["client_attached"] = frontEnd.HasClient,
            ["messages"] = counters.Messages,
            ["messages_by_command"] = new JsonObject(VfioUserCounters.CommandNames.Select((name, command) =>
                KeyValuePair.Create<string, JsonNode?>(name, counters.ByCommand[command + 1]))),
            ["region_reads"] = PerRegion(counters.RegionReads),
            ["region_writes"] = PerRegion(counters.RegionWrites),
            ["doorbells_mapped"] = counters.MappedDoorbells,
            ["doorbells_trapped"] = counters.TrappedDoorbells,
            ["interrupts"] = counters.Interrupts,
            ["interrupts_unwanted"] = counters.InterruptsUnwanted,
            ["dma_reads"] = counters.DmaReads,
            ["dma_writes"] = counters.DmaWrites,
            ["reads_substituted"] = counters.ReadsSubstituted,
            ["reads_failed"] = counters.ReadsFailed,
            ["writes_dropped"] = counters.WritesDropped,
            ["errors"] = counters.Errors,
            ["breakdowns"] = counters.Breakdowns,
            ["stray_replies"] = counters.StrayReplies,
            ["stuck_events"] = counters.StuckEvents,
        };
    }

    /// <summary>Only those that were touched: "bar0", "config".</summary>
    private static JsonObject PerRegion(IReadOnlyList<long> counts) => new(counts
        .Select((count, region) => KeyValuePair.Create<string, JsonNode?>(region == 7 ? "config" : region == 6 ? "rom" : $"bar{region}", count))
        .Where((_, region) => counts[region] != 0));
}
