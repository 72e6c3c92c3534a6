using System.Text.Json;
using System.Text.Json.Serialization;
using PcieOe.Cli.Lab.Daemons;

namespace PcieOe.Cli.Plans;

/// <summary>What a characterisation measures (docs/plan-format.md). What may be missing has a setter: generated serialisation would take init for given.</summary>
internal sealed record Plan
{
    public const string CurrentSchema = "pcieoe-plan/1";

    [JsonPropertyName("schema")]
    public required string Schema { get; init; }

    /// <summary>How long each workload is measured.</summary>
    [JsonPropertyName("seconds")]
    public double Seconds { get; set; } = 1;

    /// <summary>The part of the function that workloads use.</summary>
    [JsonPropertyName("working_set")]
    public string WorkingSet { get; set; } = "256MiB";

    [JsonPropertyName("paths")]
    public required IReadOnlyList<PlanPath> Paths { get; init; }

    /// <summary>Numbers of hosts to try at one target, one number after another; the lab alone.</summary>
    [JsonPropertyName("hosts")]
    public IReadOnlyList<int> Hosts { get; set; } = [];

    [JsonIgnore]
    public long WorkingSetBytes => BlockSize.TryParse(WorkingSet, out long bytes) ? bytes : 0;
}

/// <summary>How one pair of daemons is set up, and what runs on it. All but the workloads is the lab's alone.</summary>
internal sealed record PlanPath
{
    /// <summary>What the names of its workloads end in; null for the plain path.</summary>
    [JsonPropertyName("name")]
    public string? Name { get; set; }

    [JsonPropertyName("keyed")]
    public bool IsKeyed { get; set; }

    [JsonPropertyName("mtu")]
    public int MaximumTransmissionUnit { get; set; } = 9000;

    /// <summary>Profile of the flash timing model.</summary>
    [JsonPropertyName("timing")]
    public string? Timing { get; set; }

    /// <summary>Size of the controller's memory buffer; null for the daemon's default.</summary>
    [JsonPropertyName("memory_buffer")]
    public string? MemoryBuffer { get; set; }

    [JsonPropertyName("workloads")]
    public required IReadOnlyList<PlanWorkload> Workloads { get; init; }

    internal PathOptions ToOptions() => new()
    {
        Variant = Name,
        IsKeyed = IsKeyed,
        MaximumTransmissionUnit = MaximumTransmissionUnit,
        Timing = Timing,
        MemoryBuffer = MemoryBuffer,
    };
}

/// <summary>All combinations of its lists, the first list varying slowest.</summary>
internal sealed record PlanWorkload
{
    [JsonPropertyName("rw")]
    public required IReadOnlyList<string> Patterns { get; init; }

    [JsonPropertyName("bs")]
    public IReadOnlyList<string> BlockSizes { get; set; } = ["4k"];

    [JsonPropertyName("read_percent")]
    public IReadOnlyList<int> ReadPercents { get; set; } = [BenchRequest.DefaultReadPercent];

    [JsonPropertyName("qd")]
    public IReadOnlyList<int> QueueDepths { get; set; } = [1];

    /// <summary>Open loop, commands a second.</summary>
    [JsonPropertyName("rate")]
    public IReadOnlyList<double> Rates { get; set; } = [];

    /// <summary>Open loop, in percent of what the same workload reached in a closed loop at the same depth.</summary>
    [JsonPropertyName("load_percent")]
    public IReadOnlyList<double> LoadPercents { get; set; } = [];

    /// <summary>Open loop: "poisson" or "fixed".</summary>
    [JsonPropertyName("arrivals")]
    public string Arrivals { get; set; } = "poisson";

    /// <summary>Instead of the plan's.</summary>
    [JsonPropertyName("seconds")]
    public double? Seconds { get; set; }
}

[JsonSourceGenerationOptions(
    ReadCommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true, UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    RespectNullableAnnotations = true)]
[JsonSerializable(typeof(Plan))]
internal sealed partial class PlanJson : JsonSerializerContext;
