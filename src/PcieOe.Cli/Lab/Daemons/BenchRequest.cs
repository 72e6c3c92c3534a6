using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using PcieOe.Host.Bench;

namespace PcieOe.Cli.Lab.Daemons;

/// <summary>A workload as it is asked of a host agent over its control socket.</summary>
internal sealed record BenchRequest
{
    internal const int DefaultReadPercent = 70;

    public required string Pattern { get; init; }

    public int BlockBytes { get; init; } = 4096;

    public int QueueDepth { get; init; } = 1;

    public double Seconds { get; init; } = 2;

    public long Commands { get; init; }

    public long WorkingSetBytes { get; init; } = 256L << 20;

    public double RatePerSecond { get; init; }

    public bool IsPoisson { get; init; }

    public int ReadPercent { get; init; } = DefaultReadPercent;

    public ulong Seed { get; init; } = 1;

    public string? Attachment { get; init; }

    /// <summary>A trace that the host agent plays instead of a pattern: the path as the agent sees it.</summary>
    public string? ReplayPath { get; init; }

    /// <summary>One command in so many is timed at every hop; null: as the host agent is configured.</summary>
    public int? SampleEvery { get; init; }

    /// <summary>Not commands but single memory requests, one at a time.</summary>
    public bool IsSingleTlps => WorkloadOptions.TryParsePattern(Pattern, out WorkloadPattern pattern) && WorkloadOptions.AreSingleTlps(pattern);

    /// <summary>"randread-4k-qd1", "randrw50-4k-qd32", "randread-4k-qd256-r50000", "dmaread-64b": what reports call it.</summary>
    public string Name => IsSingleTlps ? $"{Pattern}-{Size}" : ReplayPath is not null ? $"replay-{Path.GetFileNameWithoutExtension(ReplayPath)}" : string.Create(CultureInfo.InvariantCulture, $"{Pattern}{Mix}-{Size}-qd{QueueDepth}{Rate}");

    private string Mix => Pattern == "randrw" && ReadPercent != DefaultReadPercent ? ReadPercent.ToString(CultureInfo.InvariantCulture) : "";

    private string Rate => RatePerSecond > 0 ? string.Create(CultureInfo.InvariantCulture, $"-r{RatePerSecond:F0}") : "";

    private string Size => BlockBytes % 1024 == 0 ? $"{BlockBytes / 1024}k" : $"{BlockBytes}b";

    internal JsonObject ToJson(string name) => new()
    {
        ["command"] = "bench",
        ["attachment"] = Attachment,
        ["name"] = name,
        ["rw"] = Pattern,
        ["bs"] = BlockBytes,
        ["qd"] = QueueDepth,
        ["seconds"] = Seconds,
        ["commands"] = Commands,
        ["working_set"] = WorkingSetBytes,
        ["rate"] = RatePerSecond,
        ["poisson"] = IsPoisson,
        ["read_percent"] = ReadPercent,
        ["seed"] = Seed,
        ["replay"] = ReplayPath,
        ["sample_every"] = SampleEvery,
    };

    internal static WorkloadResult ResultOf(JsonObject answer) =>
        answer["result"].Deserialize(WorkloadJson.Default.WorkloadResult) ?? throw new LabException("The host agent's answer holds no result.");
}
