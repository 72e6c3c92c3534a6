using System.Globalization;
using PcieOe.Host.Bench;
using PcieOe.Transport.Histograms;
using Spectre.Console;
using static PcieOe.Cli.Reports.Figures;

namespace PcieOe.Cli.Reports;

/// <summary>Single TLPs in a report for a terminal.</summary>
internal static class TlpText
{
    internal static void Write(IAnsiConsole console, RunReport report)
    {
        WorkloadResult[] tlps = WorkloadGroups.SingleTlps(report);
        if (tlps.Length == 0)
        {
            return;
        }

        Table table = TextReport.NewTable("Single TLPs, one at a time (latency in us)", "TLP", "bytes", "what is timed", "p50", "p99", "p99.9", "max", "samples");
        foreach (WorkloadResult workload in tlps)
        {
            LatencySummary latency = workload.Latency;
            table.AddRow(
                workload.Pattern + (workload.Variant is { } variant ? $", {variant}" : ""),
                Size(workload.BlockBytes),
                WorkloadGroups.TlpKinds[workload.Pattern],
                Micro(latency.P50Microseconds),
                Tail(latency, 99, latency.P99Microseconds),
                Tail(latency, 99.9, latency.P999Microseconds),
                Micro(latency.MaximumMicroseconds),
                Count(latency.Count) + (workload.Errors + workload.VerifyErrors == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $" [red]{workload.Errors} failed, {workload.VerifyErrors} wrong[/]")));
        }

        console.Write(table);
    }
}
