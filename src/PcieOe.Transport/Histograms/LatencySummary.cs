using System.Text.Json.Serialization;

namespace PcieOe.Transport.Histograms;

/// <summary>What reports say of a histogram: microseconds, with the count that tells how far the percentiles can be trusted.</summary>
public sealed record LatencySummary
{
    [JsonPropertyName("count")]
    public long Count { get; init; }

    [JsonPropertyName("mean")]
    public double MeanMicroseconds { get; init; }

    [JsonPropertyName("min")]
    public double MinimumMicroseconds { get; init; }

    [JsonPropertyName("p50")]
    public double P50Microseconds { get; init; }

    [JsonPropertyName("p90")]
    public double P90Microseconds { get; init; }

    [JsonPropertyName("p99")]
    public double P99Microseconds { get; init; }

    [JsonPropertyName("p99.9")]
    public double P999Microseconds { get; init; }

    [JsonPropertyName("p99.99")]
    public double P9999Microseconds { get; init; }

    [JsonPropertyName("p99.999")]
    public double P99999Microseconds { get; init; }

    [JsonPropertyName("max")]
    public double MaximumMicroseconds { get; init; }

    public static LatencySummary Of(LatencyHistogram histogram) => new()
    {
        Count = histogram.Count,
        MeanMicroseconds = Math.Round(histogram.Mean / 1000, 3),
        MinimumMicroseconds = histogram.Minimum / 1000.0,
        P50Microseconds = histogram.ValueAtPercentile(50) / 1000.0,
        P90Microseconds = histogram.ValueAtPercentile(90) / 1000.0,
        P99Microseconds = histogram.ValueAtPercentile(99) / 1000.0,
        P999Microseconds = histogram.ValueAtPercentile(99.9) / 1000.0,
        P9999Microseconds = histogram.ValueAtPercentile(99.99) / 1000.0,
        P99999Microseconds = histogram.ValueAtPercentile(99.999) / 1000.0,
        MaximumMicroseconds = histogram.Maximum / 1000.0,
    };

    /// <summary>Whether there are samples enough beyond a percentile (ten at least) to speak of it.</summary>
    public bool Supports(double percentile) => Count * (1 - percentile / 100) >= 10;
}
