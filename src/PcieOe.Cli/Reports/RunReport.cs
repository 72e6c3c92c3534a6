using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using PcieOe.Host.Bench;
using PcieOe.Transport.Histograms;

namespace PcieOe.Cli.Reports;

/// <summary>One run of the lab or of a characterisation: what <c>--json</c> writes and <c>pcieoe report</c> reads (docs/report-format.md).</summary>
internal sealed record RunReport
{
    // A lab on a busy machine: its scheduler takes the target off its core now and then.
    private const double MissedShareAllowed = 0.001;

    public const string CurrentSchema = "pcieoe-report/1";

    [JsonPropertyName("schema")]
    public string Schema { get; init; } = CurrentSchema;

    [JsonPropertyName("started")]
    public DateTimeOffset Started { get; init; }

    [JsonPropertyName("machine")]
    public MachineDescription Machine { get; init; } = new();

    [JsonPropertyName("path")]
    public PathDescription Path { get; init; } = new();

    [JsonPropertyName("floor")]
    public FloorResult? Floor { get; init; }

    [JsonPropertyName("workloads")]
    public IReadOnlyList<WorkloadResult> Workloads { get; init; } = [];

    [JsonPropertyName("outage")]
    public OutageResult? Outage { get; init; }

    [JsonPropertyName("hosts")]
    public HostsResult? Hosts { get; init; }

    /// <summary>The same for one number of hosts after another; null where the plan had none.</summary>
    [JsonPropertyName("hosts_scaling")]
    public IReadOnlyList<HostsResult>? HostsScaling { get; init; }

    /// <summary>What each class got with Nested QoS (<c>--scenario nested-qos</c>).</summary>
    [JsonPropertyName("classes")]
    public IReadOnlyList<ClassResult>? Classes { get; init; }

    /// <summary>The same load at the same capacity, first-in first-out.</summary>
    [JsonPropertyName("fifo_classes")]
    public IReadOnlyList<ClassResult>? FifoClasses { get; init; }

    [JsonPropertyName("capacity")]
    public CapacityResult? Capacity { get; init; }

    /// <summary>Bandwidth guarantees with and without the policy, for each direction.</summary>
    [JsonPropertyName("directions")]
    public IReadOnlyList<DirectionResult>? Directions { get; init; }

    /// <summary>What each policy costs (<c>--scenario policy-overhead</c>).</summary>
    [JsonPropertyName("policy_overheads")]
    public IReadOnlyList<PolicyOverheadResult>? PolicyOverheads { get; init; }

    /// <summary>Both daemons' status at the end of the run, as <c>pcieoe status --json</c> gives it.</summary>
    [JsonPropertyName("status")]
    public JsonObject? Status { get; init; }

    /// <summary>What a reader should know before he trusts a figure.</summary>
    [JsonPropertyName("notes")]
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>No command failed, no data was wrong, and what was promised was kept.</summary>
    [JsonIgnore]
    public bool IsFaultless => Workloads.All(workload => workload.Errors + workload.VerifyErrors == 0)
        && (Directions is null || Directions.All(direction => direction.IsKept))
        && (Classes is null || Classes.All(member => member.DeadlineMilliseconds is null || member.MissedShare <= MissedShareAllowed))
        && (HostsScaling ?? []).Concat(Hosts is null ? [] : [Hosts]).All(hosts => hosts.ForeignBlocks + hosts.Hosts.Sum(host => host.VerifyErrors) == 0);

    public void Save(string path) => File.WriteAllText(path, JsonSerializer.Serialize(this, ReportJson.Default.RunReport) + "\n");

    /// <summary>Null, and a sentence, where the file is not such a report.</summary>
    public static RunReport? Load(string path, out string problem)
    {
        try
        {
            RunReport? report = JsonSerializer.Deserialize(File.ReadAllText(path), ReportJson.Default.RunReport);
            if (report?.Schema == CurrentSchema)
            {
                problem = string.Empty;
                return report;
            }

            problem = $"{path} is not a report of schema {CurrentSchema}: 'pcieoe lab --json FILE' writes one.";
            return null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or JsonException)
        {
            problem = $"{path} cannot be read as a report: {exception.Message}";
            return null;
        }
    }
}

/// <summary>What the frames went over.</summary>
internal sealed record PathDescription
{
    /// <summary>"packet" for raw Ethernet, "memory" for both daemons in one process.</summary>
    [JsonPropertyName("port")]
    public string Port { get; init; } = "packet";

    [JsonPropertyName("topology")]
    public string Topology { get; init; } = "veth";

    [JsonPropertyName("mtu")]
    public int MaximumTransmissionUnit { get; init; }

    [JsonPropertyName("keyed")]
    public bool IsKeyed { get; init; }
}

/// <summary>What the raw port does on the same path: the bar for everything above it.</summary>
internal sealed record FloorResult
{
    /// <summary>Echo of a frame with 64 bytes of payload.</summary>
    [JsonPropertyName("rtt_64_us")]
    public LatencySummary RoundTrip64 { get; init; } = new();

    /// <summary>64 bytes there, 4096 back: the shape of a 4 KiB read.</summary>
    [JsonPropertyName("rtt_64_4096_us")]
    public LatencySummary RoundTrip64To4096 { get; init; } = new();

    /// <summary>One way, full frames: Ethernet payload, decimal gigabits a second.</summary>
    [JsonPropertyName("flood_gbps")]
    public double FloodGigabitsPerSecond { get; init; }
}

/// <summary>What an outage did to a verified load (<c>--scenario outage</c>): the cable cut, then the target killed and restarted.</summary>
internal sealed record OutageResult
{
    [JsonPropertyName("outage_s")]
    public double OutageSeconds { get; init; }

    /// <summary>From the cable's return to the first command that completed.</summary>
    [JsonPropertyName("recovered_after_s")]
    public double RecoveredAfterSeconds { get; init; }

    [JsonPropertyName("io_errors")]
    public long Errors { get; init; }

    [JsonPropertyName("verify_errors")]
    public long VerifyErrors { get; init; }

    [JsonPropertyName("verified_blocks")]
    public long VerifiedBlocks { get; init; }

    /// <summary>The same for a target killed with SIGKILL under load and started again on its file.</summary>
    [JsonPropertyName("target_killed")]
    public OutageResult? TargetKilled { get; init; }
}

/// <summary>Several hosts on one target (<c>--scenario hosts</c>).</summary>
internal sealed record HostsResult
{
    [JsonPropertyName("hosts")]
    public IReadOnlyList<HostShare> Hosts { get; init; } = [];

    [JsonPropertyName("total_iops")]
    public double TotalCommandsPerSecond { get; init; }

    [JsonPropertyName("total_gbps")]
    public double TotalGigabitsPerSecond { get; init; }

    /// <summary>Jain's index of the hosts' rates: 1 is equal, 1/N is one host having all.</summary>
    [JsonPropertyName("fairness")]
    public double Fairness { get; init; }

    /// <summary>Blocks in which a host found another host's data.</summary>
    [JsonPropertyName("foreign_blocks")]
    public long ForeignBlocks { get; init; }

    [JsonPropertyName("target_memory_mib")]
    public double TargetMemoryMebibytes { get; init; }

    [JsonPropertyName("target_memory_per_host_mib")]
    public double TargetMemoryPerHostMebibytes { get; init; }
}

/// <summary>One host's part of <see cref="HostsResult"/>.</summary>
internal sealed record HostShare
{
    [JsonPropertyName("name")]
    public string Name { get; init; } = string.Empty;

    [JsonPropertyName("iops")]
    public double CommandsPerSecond { get; init; }

    [JsonPropertyName("p50_us")]
    public double P50Microseconds { get; init; }

    [JsonPropertyName("p99_us")]
    public double P99Microseconds { get; init; }

    [JsonPropertyName("verify_errors")]
    public long VerifyErrors { get; init; }
}

[JsonSourceGenerationOptions(WriteIndented = true, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(RunReport))]
internal sealed partial class ReportJson : JsonSerializerContext;
