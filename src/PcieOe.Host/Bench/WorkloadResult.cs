using System.Text.Json.Serialization;
using PcieOe.Transport.Histograms;
using PcieOe.Transport.Hops;

namespace PcieOe.Host.Bench;

/// <summary>What a workload achieved: the member of "workloads" in a report (docs/report-format.md).</summary>
public sealed record WorkloadResult
{
    [JsonPropertyName("name")]
    public string Name { get; init; } = string.Empty;

    /// <summary>How its path differed from the report's; null where it did not.</summary>
    [JsonPropertyName("variant")]
    public string? Variant { get; init; }

    [JsonPropertyName("rw")]
    public string Pattern { get; init; } = string.Empty;

    [JsonPropertyName("bs")]
    public int BlockBytes { get; init; }

    [JsonPropertyName("qd")]
    public int QueueDepth { get; init; }

    /// <summary>Of a mix, the share of reads; null otherwise.</summary>
    [JsonPropertyName("read_percent")]
    public int? ReadPercent { get; init; }

    /// <summary>Open loop: commands a second that were to start; null for a closed loop.</summary>
    [JsonPropertyName("rate")]
    public double? RatePerSecond { get; init; }

    /// <summary>Open loop: "fixed" or "poisson" gaps.</summary>
    [JsonPropertyName("arrivals")]
    public string? Arrivals { get; init; }

    [JsonPropertyName("seconds")]
    public double Seconds { get; init; }

    [JsonPropertyName("ios")]
    public long Commands { get; init; }

    [JsonPropertyName("io_errors")]
    public long Errors { get; init; }

    /// <summary>The status of the first command that failed; null if none did.</summary>
    [JsonPropertyName("first_error")]
    public string? FirstError { get; init; }

    [JsonPropertyName("verify_errors")]
    public long VerifyErrors { get; init; }

    /// <summary>Of the verify errors, units that held another host's data.</summary>
    [JsonPropertyName("foreign_units")]
    public long ForeignUnits { get; init; }

    /// <summary>Blocks read whose content was known, and so was checked.</summary>
    [JsonPropertyName("verified_blocks")]
    public long VerifiedBlocks { get; init; }

    [JsonPropertyName("iops")]
    public double CommandsPerSecond { get; init; }

    /// <summary>Payload, decimal gigabits a second.</summary>
    [JsonPropertyName("gbps")]
    public double GigabitsPerSecond { get; init; }

    [JsonPropertyName("latency_us")]
    public LatencySummary Latency { get; init; } = new();

    [JsonPropertyName("gc")]
    public CollectorActivity Collector { get; init; } = new();

    /// <summary>The longest time in which no command completed.</summary>
    [JsonPropertyName("longest_gap_s")]
    public double LongestGapSeconds { get; init; }

    /// <summary>When the last pause of more than 100 ms ended, on this machine's monotonic clock; 0 if there was none.</summary>
    [JsonPropertyName("last_gap_ended_ns")]
    public long LastLongGapEndedAtNanoseconds { get; init; }

    /// <summary>Where the sampled commands' time went, in the order of the hops; empty if none was sampled.</summary>
    [JsonPropertyName("hops")]
    public IReadOnlyList<HopSummary> Hops { get; init; } = [];

    /// <summary>Of the hops in which frames are received, what lies before ("kernel") and behind ("daemon") the receiving kernel's timestamp.</summary>
    [JsonPropertyName("hop_parts")]
    public IReadOnlyList<HopSummary> HopParts { get; init; } = [];

    /// <summary>The sampled commands apart by label, the first command's labels first.</summary>
    [JsonPropertyName("hops_by")]
    public IReadOnlyList<LabelledHopsResult> HopsByLabel { get; init; } = [];

    /// <summary>The sampled commands' whole time, measured by itself.</summary>
    [JsonPropertyName("end_to_end")]
    public HopSummary? EndToEnd { get; init; }

    /// <summary>Of each sampled command, the whole less the sum of its hops: the median.</summary>
    [JsonPropertyName("residual_us")]
    public double? ResidualMicroseconds { get; init; }

    /// <summary>Commands whose hops are known.</summary>
    [JsonPropertyName("sampled")]
    public long Sampled { get; init; }

    /// <summary>One command of so many was to be sampled; 0: none.</summary>
    [JsonPropertyName("sample_every")]
    public int SampleEvery { get; init; }

    /// <summary>What the one-way times rest on.</summary>
    [JsonPropertyName("clock")]
    public ClockSummary? Clock { get; init; }

    /// <summary>The slowest of the sampled commands, with all their hops; the slowest first.</summary>
    [JsonPropertyName("slowest")]
    public IReadOnlyList<SlowCommand> Slowest { get; init; } = [];

    /// <summary>The latencies themselves: HdrHistogram encoding V2, compressed, base64, nanoseconds.</summary>
    [JsonPropertyName("histogram")]
    public string Histogram { get; init; } = string.Empty;

    /// <summary>The same, interval by interval.</summary>
    [JsonPropertyName("intervals")]
    public IntervalResult? Intervals { get; init; }
}

/// <summary>The hops of those sampled commands that have these labels.</summary>
public sealed record LabelledHopsResult
{
    [JsonPropertyName("tenant")]
    public string Tenant { get; init; } = string.Empty;

    /// <summary>Of the tenant's classes, the first is 1; 0: there is no policy.</summary>
    [JsonPropertyName("class")]
    public int Class { get; init; }

    /// <summary>The function's own operation code (NVMe: 1 write, 2 read).</summary>
    [JsonPropertyName("opcode")]
    public int Opcode { get; init; }

    /// <summary>User data, rounded up to a power of two.</summary>
    [JsonPropertyName("size")]
    public int SizeBytes { get; init; }

    /// <summary>While a command was under way a frame of its session was lost, or sent again.</summary>
    [JsonPropertyName("retransmitted")]
    public bool IsRetransmitted { get; init; }

    [JsonPropertyName("sampled")]
    public long Sampled { get; init; }

    [JsonPropertyName("hops")]
    public IReadOnlyList<HopSummary> Hops { get; init; } = [];

    [JsonPropertyName("end_to_end")]
    public HopSummary EndToEnd { get; init; } = new();

    [JsonPropertyName("residual_us")]
    public double ResidualMicroseconds { get; init; }
}

/// <summary>A workload's latencies over its time.</summary>
public sealed record IntervalResult
{
    /// <summary>Length of each.</summary>
    [JsonPropertyName("seconds")]
    public double Seconds { get; init; }

    /// <summary>Encoded as <see cref="WorkloadResult.Histogram"/> is. The last one also holds what completed after the time was over.</summary>
    [JsonPropertyName("histograms")]
    public IReadOnlyList<string> Histograms { get; init; } = [];
}

/// <summary>What the garbage collector did during a workload, in the host agent's process.</summary>
public sealed record CollectorActivity
{
    [JsonPropertyName("gen0")]
    public int Generation0 { get; init; }

    [JsonPropertyName("gen1")]
    public int Generation1 { get; init; }

    [JsonPropertyName("gen2")]
    public int Generation2 { get; init; }

    [JsonPropertyName("pause_us")]
    public double PauseMicroseconds { get; init; }

    /// <summary>Bytes that the polling thread allocated, for each command.</summary>
    [JsonPropertyName("allocated_bytes_per_io")]
    public double AllocatedBytesPerCommand { get; init; }
}

/// <summary>Serialisation of results without reflection.</summary>
[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(WorkloadResult))]
public sealed partial class WorkloadJson : JsonSerializerContext;
