using System.Text.Json.Nodes;
using PcieOe.Transport.Histograms;
using PcieOe.Transport.Hops;

namespace PcieOe.Daemon.Status;

/// <summary>Hops in a status answer. Reading histograms takes long for a polling thread: this is for other threads, which may at any time.</summary>
public static class HopsJson
{
    public static JsonObject Of(HopHistograms histograms, string wholeName) => new()
    {
        ["sampled"] = histograms.Count,
        ["hops"] = new JsonArray([.. histograms.Hops().Zip(histograms.HopHistogramsInOrder, Of)]),
        ["whole"] = Of(histograms.Whole(wholeName), histograms.WholeHistogram),
    };

    /// <summary>Of the hops in which frames are received, what lies before and behind the kernel's timestamp.</summary>
    public static JsonArray Parts(HopHistograms histograms) => [.. histograms.Parts().Zip(histograms.PartHistograms, (part, values) => Of(part with { Name = $"{part.Hop}.{part.Name}" }, values))];

    /// <summary>Apart by label.</summary>
    public static JsonArray Of(LabelledHops hops, string wholeName) => [.. Enumerable.Range(0, hops.Count).Select(index =>
    {
        (HopLabels labels, HopHistograms histograms) = hops[index];
        JsonObject entry = Of(histograms, wholeName);
        entry["tenant"] = labels.Tenant;
        entry["class"] = labels.Class;
        entry["opcode"] = labels.Opcode;
        entry["size"] = labels.SizeBytes;
        entry["retransmitted"] = labels.IsRetransmitted;
        return (JsonNode)entry;
    })];

    private static JsonNode Of(HopSummary summary, LatencyHistogram histogram) => new JsonObject
    {
        ["name"] = summary.Name,
        ["count"] = summary.Count,
        ["mean"] = summary.MeanMicroseconds,
        ["p50"] = summary.P50Microseconds,
        ["p99"] = summary.P99Microseconds,
        ["p99.9"] = summary.P999Microseconds,
        ["max"] = summary.MaximumMicroseconds,
        ["buckets"] = new JsonArray([.. HopBuckets.Count(histogram).Select(count => (JsonNode)count)]),
    };
}
