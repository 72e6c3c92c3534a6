using System.Globalization;
using PcieOe.Host.Bench;
using PcieOe.Transport.Hops;
using Spectre.Console;

namespace PcieOe.Cli.Reports;

/// <summary>Where the time of sampled commands went, in a report for a terminal: a row for each hop, a column for each of a few workloads.</summary>
internal static class HopText
{
    /// <summary>As many columns as fit.</summary>
    private const int Most = 4;

    internal static void Write(IAnsiConsole console, RunReport report)
    {
        WorkloadResult[] shown = [.. Choose(report).Take(Most)];
        if (shown.Length == 0)
        {
            return;
        }

        WriteBudget(console, shown);
        WriteLabels(console, report);
    }

    private static void WriteBudget(IAnsiConsole console, WorkloadResult[] shown)
    {
        Table table = TextReport.NewTable("Where the time goes (medians in us; p99 behind the slash)", ["hop", .. shown.Select(workload => workload.Name)]);
        foreach (HopSummary hop in shown[0].Hops)
        {
            table.AddRow([hop.Name, .. shown.Select(workload => Cell(workload.Hops.FirstOrDefault(other => other.Name == hop.Name)))]);
            foreach (HopSummary part in shown[0].HopParts.Where(part => part.Hop == hop.Name))
            {
                table.AddRow([$"  {part.Name}", .. shown.Select(workload => Cell(workload.HopParts.FirstOrDefault(other => other.Hop == hop.Name && other.Name == part.Name)))]);
            }
        }

        table.AddRow(["residual", .. shown.Select(workload => Two(workload.ResidualMicroseconds ?? 0))]);
        table.AddRow(["end to end", .. shown.Select(workload => Cell(workload.EndToEnd))]);
        table.AddRow(["commands sampled", .. shown.Select(workload => Figures.Count(workload.Sampled))]);
        console.Write(table);
        if (shown.MaxBy(workload => workload.Clock?.ErrorBoundMicroseconds)?.Clock is { } clock)
        {
            console.MarkupLineInterpolated(CultureInfo.InvariantCulture,
                $"[grey]One-way times: {clock.Source} clock, at most {clock.ErrorBoundMicroseconds} us off. Medians of hops need not add up; each command's hops do, but for the residual. Kernel and daemon: before and behind the kernel's receive timestamp.[/]");
            console.WriteLine();
        }
    }

    /// <summary>Where one workload had commands of several kinds: each kind by itself.</summary>
    private static void WriteLabels(IAnsiConsole console, RunReport report)
    {
        WorkloadResult[] mixed = [.. report.Workloads.Where(workload => workload.HopsByLabel.Count > 1)];
        if (mixed.Length == 0)
        {
            return;
        }

        Table table = TextReport.NewTable("Commands of several kinds apart (us)", "workload", "tenant", "kind", "sampled", "p50", "p99", "residual");
        foreach (WorkloadResult workload in mixed)
        {
            foreach (LabelledHopsResult entry in workload.HopsByLabel.OrderByDescending(entry => entry.Sampled))
            {
                table.AddRow(workload.Name, entry.Tenant, WorkloadGroups.Kind(entry), Figures.Count(entry.Sampled), Two(entry.EndToEnd.P50Microseconds),
                    (entry.Sampled < 1000 ? "~" : "") + Two(entry.EndToEnd.P99Microseconds), Two(entry.ResidualMicroseconds));
            }
        }

        console.Write(table);
    }

    /// <summary>One at a time first, since there nothing waits for another; then what else was sampled.</summary>
    private static IEnumerable<WorkloadResult> Choose(RunReport report) => report.Workloads
        .Where(workload => workload.Hops.Count > 0 && !WorkloadGroups.IsOpenLoop(workload))
        .OrderBy(workload => workload.QueueDepth == 1 ? 0 : workload.QueueDepth == 32 ? 1 : 2)
        .ThenBy(workload => workload.BlockBytes == 4096 ? 0 : 1);

    private static string Cell(HopSummary? hop) => hop is null ? "" : $"{Two(hop.P50Microseconds)} / {(hop.Count < 1000 ? "~" : "")}{Two(hop.P99Microseconds)}";

    private static string Two(double value) => value < 100 ? Figures.Rate(value) : Figures.Micro(value);
}
