using PcieOe.Host.Bench;
using PcieOe.Transport.Histograms;

namespace PcieOe.Cli.Reports.Html.Sections;

/// <summary>Every workload with all its percentiles and how many samples they rest on.</summary>
internal static class WorkloadTable
{
    internal static void Write(HtmlWriter html, RunReport report)
    {
        if (report.Workloads.Count == 0)
        {
            return;
        }

        html.Markup("<h2>All workloads</h2><p class=\"quiet\">Latency in microseconds. ~ marks a percentile with fewer than ten samples beyond it.</p><div class=\"scroll\"><table><thead><tr><th>workload</th><th>IOPS</th><th>Gb/s</th><th>samples</th><th>mean</th><th>min</th><th>p50</th><th>p90</th><th>p99</th><th>p99.9</th><th>p99.99</th><th>p99.999</th><th>max</th><th>failed</th><th>wrong</th><th>longest gap, ms</th><th>B allocated a command</th></tr></thead><tbody>");
        foreach (WorkloadResult workload in report.Workloads)
        {
            LatencySummary latency = workload.Latency;
            html.Add($"<tr><th>{workload.Name}</th><td>{Figures.Count(workload.CommandsPerSecond)}</td><td>{Figures.Rate(workload.GigabitsPerSecond)}</td><td>{Figures.Count(latency.Count)}</td><td>{Figures.Micro(latency.MeanMicroseconds)}</td><td>{Figures.Micro(latency.MinimumMicroseconds)}</td><td>{Figures.Micro(latency.P50Microseconds)}</td>");
            html.Add($"<td>{Figures.Tail(latency, 90, latency.P90Microseconds)}</td><td>{Figures.Tail(latency, 99, latency.P99Microseconds)}</td><td>{Figures.Tail(latency, 99.9, latency.P999Microseconds)}</td><td>{Figures.Tail(latency, 99.99, latency.P9999Microseconds)}</td><td>{Figures.Tail(latency, 99.999, latency.P99999Microseconds)}</td><td>{Figures.Micro(latency.MaximumMicroseconds)}</td>");
            html.Add($"<td>{Figures.Count(workload.Errors)}</td><td>{Figures.Count(workload.VerifyErrors)}</td><td>{Figures.Micro(workload.LongestGapSeconds * 1000)}</td><td>{workload.Collector.AllocatedBytesPerCommand}</td></tr>");
        }

        html.Markup("</tbody></table></div>");
    }
}
