using System.Text.Json.Serialization;
using PcieOe.Cli.CapacityPlans;

namespace PcieOe.Cli.Reports;

/// <summary>What one class of one tenant got (<c>--scenario nested-qos</c>); times are the target's, arrival to sent.</summary>
internal sealed record ClassResult
{
    [JsonPropertyName("tenant")]
    public string Tenant { get; init; } = string.Empty;

    [JsonPropertyName("class")]
    public string Class { get; init; } = string.Empty;

    [JsonPropertyName("arrivals")]
    public long Arrivals { get; init; }

    /// <summary>Of the tenant's arrivals.</summary>
    [JsonPropertyName("share")]
    public double Share { get; init; }

    /// <summary>Absent for best effort.</summary>
    [JsonPropertyName("deadline_ms")]
    public double? DeadlineMilliseconds { get; init; }

    [JsonPropertyName("met")]
    public long Met { get; init; }

    [JsonPropertyName("missed")]
    public long Missed { get; init; }

    [JsonPropertyName("p50_ms")]
    public double P50Milliseconds { get; init; }

    [JsonPropertyName("p99_ms")]
    public double P99Milliseconds { get; init; }

    [JsonPropertyName("max_ms")]
    public double MaximumMilliseconds { get; init; }

    /// <summary>Of what was answered; 0 where nothing was.</summary>
    [JsonIgnore]
    public double MissedShare => Met + Missed == 0 ? 0 : Missed / (double)(Met + Missed);
}

/// <summary>What the classes' promises take, and what they were measured at.</summary>
internal sealed record CapacityResult : ClassCapacity
{
    /// <summary>Units of 4 KiB a second at which commands started, with and without the policy.</summary>
    [JsonPropertyName("iops")]
    public double UnitsPerSecond { get; init; }

    /// <summary>Units a second that arrived.</summary>
    [JsonPropertyName("offered_iops")]
    public double OfferedUnitsPerSecond { get; init; }

    /// <summary>The second as a part of the first.</summary>
    [JsonPropertyName("load")]
    public double Load { get; init; }
}
