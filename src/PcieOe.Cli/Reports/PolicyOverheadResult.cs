using System.Text.Json.Serialization;

namespace PcieOe.Cli.Reports;

/// <summary>
/// What a policy costs one tenant of one class, which it never holds back (<c>--scenario policy-overhead</c>): each round measures the path
/// with and without it, one right after the other, and what counts is how the two differ.
/// </summary>
internal sealed record PolicyOverheadResult
{
    /// <summary>"nested-qos" or "gatekeeper".</summary>
    [JsonPropertyName("policy")]
    public string Policy { get; init; } = string.Empty;

    [JsonPropertyName("rounds")]
    public int Rounds { get; init; }

    /// <summary>Commands a second at depth 32 lost to it, percent of those without it.</summary>
    [JsonPropertyName("throughput_percent")]
    public MedianResult ThroughputPercent { get; init; } = new();

    /// <summary>By how much the median read at depth 1 takes longer.</summary>
    [JsonPropertyName("depth1_us")]
    public MedianResult Depth1Microseconds { get; init; } = new();
}

/// <summary>A median over rounds, and where it lies with at least 95 % confidence.</summary>
internal sealed record MedianResult
{
    // Normal quantile of 97.5 %.
    private const double Quantile = 1.96;

    [JsonPropertyName("median")]
    public double Median { get; init; }

    [JsonPropertyName("low")]
    public double Low { get; init; }

    [JsonPropertyName("high")]
    public double High { get; init; }

    /// <summary>By order statistics, which assumes nothing of how the values are spread.</summary>
    internal static MedianResult Of(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        int below = Math.Max(0, (int)Math.Floor((sorted.Length - Quantile * Math.Sqrt(sorted.Length)) / 2));
        return new MedianResult
        {
            Median = Math.Round((sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2, 3),
            Low = Math.Round(sorted[below], 3),
            High = Math.Round(sorted[^(below + 1)], 3),
        };
    }
}
