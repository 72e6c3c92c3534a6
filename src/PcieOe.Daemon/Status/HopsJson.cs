using System.Text.Json.Nodes;
using PcieOe.Transport.Hops;

namespace PcieOe.Daemon.Status;

/// <summary>Hops in a status answer. Reading histograms takes long for a polling thread: this is for other threads, which may at any time.</summary>
public static class HopsJson
{
    public static JsonObject Of(HopHistograms histograms, string wholeName) => new()
    {
        ["sampled"] = histograms.Count,
        ["hops"] = new JsonArray([.. histograms.Hops().Select(hop => (JsonNode)Of(hop))]),
        ["whole"] = Of(histograms.Whole(wholeName)),
    };

    private static JsonObject Of(HopSummary summary) => new()
    {
        ["name"] = summary.Name,
        ["count"] = summary.Count,
        ["mean"] = summary.MeanMicroseconds,
        ["p50"] = summary.P50Microseconds,
        ["p99"] = summary.P99Microseconds,
        ["p99.9"] = summary.P999Microseconds,
        ["max"] = summary.MaximumMicroseconds,
    };
}
