using System.Text.Json.Serialization;

namespace PcieOe.Cli.CapacityPlans;

/// <summary>What a tenant's classes take, beside what a single class would; units of 4 KiB a second.</summary>
internal abstract record ClassCapacity
{
    [JsonPropertyName("nested_iops")]
    public double NestedUnitsPerSecond { get; init; }

    /// <summary>The last class's part of the commands (measured: everything in the widest envelope) within the first one's time.</summary>
    [JsonPropertyName("single_iops")]
    public double SingleClassUnitsPerSecond { get; init; }

    /// <summary>Nested in parts of single.</summary>
    [JsonPropertyName("ratio")]
    public double Ratio { get; init; }
}
