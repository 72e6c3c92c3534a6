using System.Text.Json.Serialization;

namespace PcieOe.Cli.Reports;

/// <summary>Tenants at one port whose link is the bottleneck, data going one way (<c>--scenario gatekeeper</c>). Megabits as the wire counts them.</summary>
internal sealed record DirectionResult
{
    /// <summary>What a tenant may miss of its minimum in any window without its counting as missed.</summary>
    public const double Tolerance = 0.95;

    /// <summary>"read": from the target; "write": to it.</summary>
    [JsonPropertyName("name")]
    public string Name { get; init; } = string.Empty;

    [JsonPropertyName("link_mbps")]
    public double LinkMegabitsPerSecond { get; init; }

    /// <summary>One first-in first-out queue.</summary>
    [JsonPropertyName("off")]
    public PolicyResult Off { get; init; } = new();

    [JsonPropertyName("on")]
    public PolicyResult On { get; init; } = new();

    [JsonIgnore]
    public bool IsKept => On.Tenants.All(tenant => tenant.WorstWindowMegabitsPerSecond >= Tolerance * tenant.MinimumMegabitsPerSecond);
}

/// <summary>What the tenants got with or without the policy.</summary>
internal sealed record PolicyResult
{
    [JsonPropertyName("tenants")]
    public IReadOnlyList<TenantResult> Tenants { get; init; } = [];

    /// <summary>All tenants together, while one of them wants more than the link has.</summary>
    [JsonPropertyName("used_mbps")]
    public double UsedMegabitsPerSecond { get; init; }
}

internal sealed record TenantResult
{
    [JsonPropertyName("name")]
    public string Name { get; init; } = string.Empty;

    [JsonPropertyName("min_mbps")]
    public double MinimumMegabitsPerSecond { get; init; }

    [JsonPropertyName("max_mbps")]
    public double? MaximumMegabitsPerSecond { get; init; }

    /// <summary>While it had demand queued, after the first 200 ms of it.</summary>
    [JsonPropertyName("achieved_mbps")]
    public double AchievedMegabitsPerSecond { get; init; }

    /// <summary>The worst 100 ms of that time.</summary>
    [JsonPropertyName("worst_window_mbps")]
    public double WorstWindowMegabitsPerSecond { get; init; }
}
