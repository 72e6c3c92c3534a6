using System.Text.Json.Serialization;
using PcieOe.Transport.Histograms;

namespace PcieOe.Transport.Hops;

/// <summary>What reports say of one hop's histogram, microseconds.</summary>
public sealed record HopSummary
{
    [JsonPropertyName("name")]
    public string Name { get; init; } = string.Empty;

    [JsonPropertyName("count")]
    public long Count { get; init; }

    [JsonPropertyName("mean")]
    public double MeanMicroseconds { get; init; }

    [JsonPropertyName("p50")]
    public double P50Microseconds { get; init; }

    [JsonPropertyName("p99")]
    public double P99Microseconds { get; init; }

    [JsonPropertyName("p99.9")]
    public double P999Microseconds { get; init; }

    [JsonPropertyName("max")]
    public double MaximumMicroseconds { get; init; }

    /// <summary>Of a part: the hop that it is a part of.</summary>
    [JsonPropertyName("hop")]
    public string? Hop { get; init; }

    /// <summary>All values: HdrHistogram encoding V2, compressed, base64, nanoseconds. Null where only the summary is kept.</summary>
    [JsonPropertyName("histogram")]
    public string? Histogram { get; init; }

    /// <summary>The same over time, interval by interval.</summary>
    [JsonPropertyName("intervals")]
    public IReadOnlyList<string>? Intervals { get; init; }

    public static HopSummary Of(string name, LatencyHistogram histogram) => new()
    {
        Name = name,
        Count = histogram.Count,
        MeanMicroseconds = Math.Round(histogram.Mean / 1000, 3),
        P50Microseconds = histogram.ValueAtPercentile(50) / 1000.0,
        P99Microseconds = histogram.ValueAtPercentile(99) / 1000.0,
        P999Microseconds = histogram.ValueAtPercentile(99.9) / 1000.0,
        MaximumMicroseconds = histogram.Maximum / 1000.0,
    };
}

/// <summary>What the one-way times of a run rest on.</summary>
public sealed record ClockSummary
{
    /// <summary>"shared": both sides read the same clock. "estimated": the peer's clock is known from exchanges, within the bound.</summary>
    [JsonPropertyName("source")]
    public string Source { get; init; } = "estimated";

    /// <summary>By how much a one-way time may be off, whatever the path's asymmetry; what wire-out has too much, wire-back lacks.</summary>
    [JsonPropertyName("error_bound_us")]
    public double ErrorBoundMicroseconds { get; init; }
}
