using PcieOe.Host.Bench;
using PcieOe.Transport.Histograms;

namespace PcieOe.Cli.Reports;

/// <summary>How reports put workloads side by side.</summary>
internal static class WorkloadGroups
{
    internal static bool IsOpenLoop(WorkloadResult workload) => workload.RatePerSecond is not null;

    internal static bool IsSingleTlps(WorkloadResult workload) => WorkloadOptions.TryParsePattern(workload.Pattern, out WorkloadPattern pattern) && WorkloadOptions.AreSingleTlps(pattern);

    internal static IEnumerable<WorkloadResult> Commands(RunReport report) => report.Workloads.Where(workload => !IsSingleTlps(workload));

    internal static WorkloadResult[] SingleTlps(RunReport report) => [.. report.Workloads.Where(IsSingleTlps)];

    /// <summary>What each kind of single TLP measures, for readers of a table or a plot.</summary>
    internal static readonly IReadOnlyDictionary<string, string> TlpKinds = new Dictionary<string, string>
    {
        ["regread"] = "host's read",
        ["regwrite"] = "host's write and the read behind it",
        ["dmaread"] = "device's read",
        ["dmawrite"] = "order and device's write",
    };

    /// <summary>"read" and "write" for sequential and random ones alike; otherwise the pattern.</summary>
    internal static string Direction(WorkloadResult workload) => workload.Pattern switch
    {
        "read" or "randread" => "read",
        "write" or "randwrite" => "write",
        string other => other,
    };

    /// <summary>What it does, whatever the depth and rate: "randread 4 KiB", "randrw 50 % 4 KiB, keyed".</summary>
    internal static string Kind(WorkloadResult workload)
    {
        string mix = workload.ReadPercent is { } percent ? $" {percent} %" : "";
        string variant = workload.Variant is { } name ? $", {name}" : "";
        return $"{workload.Pattern}{mix} {Figures.Size(workload.BlockBytes)}{variant}";
    }

    /// <summary>"read 4 KiB", "write 128 KiB, class 1, retransmitted": the labels of commands, but for the tenant.</summary>
    internal static string Kind(LabelledHopsResult labels)
    {
        // The labels of all kinds that are not apart are empty, even the tenant's.
        if (labels.Tenant.Length == 0 && labels.Opcode == 0)
        {
            return "all other kinds";
        }

        string opcode = OpcodeName(labels.Opcode), priority = labels.Class == 0 ? "" : $", class {labels.Class}";
        return $"{opcode} {Figures.Size(labels.SizeBytes)}{priority}{(labels.IsRetransmitted ? ", retransmitted" : "")}";
    }

    /// <summary>NVMe's name of an I/O command.</summary>
    internal static string OpcodeName(int opcode) => opcode switch { 0 => "flush", 1 => "write", 2 => "read", int other => FormattableString.Invariant($"opcode {other}") };

    /// <summary>Closed loops of 4 KiB that differ in depth alone, two at least.</summary>
    internal static IEnumerable<IGrouping<string, WorkloadResult>> ByDepth(RunReport report) => Commands(report)
        .Where(workload => !IsOpenLoop(workload) && workload.BlockBytes == 4096 && workload.Pattern != "verify")
        .OrderBy(workload => workload.QueueDepth)
        .GroupBy(Kind)
        .Where(group => group.Select(workload => workload.QueueDepth).Distinct().Count() > 1);

    /// <summary>Closed loops of one direction and depth that differ in size, three at least.</summary>
    internal static IEnumerable<IGrouping<string, WorkloadResult>> BySize(RunReport report) => Commands(report)
        .Where(workload => !IsOpenLoop(workload) && workload.Variant is null && Direction(workload) is "read" or "write")
        .OrderBy(workload => workload.BlockBytes)
        .GroupBy(workload => $"{Direction(workload)}, depth {workload.QueueDepth}")
        .Where(group => group.Select(workload => workload.BlockBytes).Distinct().Count() > 2);

    /// <summary>Closed loops of one size and depth over their share of reads, three shares at least.</summary>
    internal static IEnumerable<IGrouping<string, (double ReadPercent, WorkloadResult Workload)>> ByMix(RunReport report) => Commands(report)
        .Where(workload => !IsOpenLoop(workload) && workload.Variant is null && workload.Pattern.StartsWith("rand", StringComparison.Ordinal))
        .Select(workload => (ReadPercent: workload.ReadPercent ?? (workload.Pattern == "randread" ? 100.0 : 0), Workload: workload))
        .OrderBy(entry => entry.ReadPercent)
        .GroupBy(entry => $"{Figures.Size(entry.Workload.BlockBytes)}, depth {entry.Workload.QueueDepth}")
        .Where(group => group.Select(entry => entry.ReadPercent).Distinct().Count() > 2);

    /// <summary>Open loops that differ in rate alone, two at least.</summary>
    internal static IEnumerable<IGrouping<string, WorkloadResult>> ByRate(RunReport report) => report.Workloads
        .Where(IsOpenLoop)
        .OrderBy(workload => workload.RatePerSecond)
        .GroupBy(workload => $"{Kind(workload)}, {workload.Arrivals}")
        .Where(group => group.Count() > 1);

    /// <summary>The latencies, or null where the report's encoding of them cannot be read. The caller disposes of it.</summary>
    internal static LatencyHistogram? Decode(string histogram)
    {
        try
        {
            return histogram.Length == 0 ? null : HistogramEncoding.DecodeCompressed(Convert.FromBase64String(histogram));
        }
        catch (Exception exception) when (exception is FormatException or InvalidDataException)
        {
            return null;
        }
    }
}
