using PcieOe.Cli.Reports.Html.Plots;
using PcieOe.Host.Bench;
using PcieOe.Transport.Histograms;

namespace PcieOe.Cli.Reports.Html.Sections;

/// <summary>Heat maps of a few workloads: a stall shows as a gap with a high mark behind it, a drift as a slope.</summary>
internal static class OverTime
{
    private const int Most = 6;

    internal static void Write(HtmlWriter html, RunReport report)
    {
        WorkloadResult[] shown = [.. Choose(report).Take(Most)];
        if (shown.Length == 0)
        {
            return;
        }

        html.Markup("<h2>Over time</h2><p class=\"quiet\">Darker: more commands (logarithmic).</p><div class=\"plots\">");
        foreach (WorkloadResult workload in shown)
        {
            LatencyHistogram?[] intervals = [.. workload.Intervals!.Histograms.Select(WorkloadGroups.Decode)];
            if (intervals.All(interval => interval is not null))
            {
                HeatMap.Write(html, workload.Name, workload.Intervals.Seconds, intervals!);
            }

            Array.ForEach(intervals, interval => interval?.Dispose());
        }

        html.Markup("</div>");
    }

    // One at a time, at depth, under the highest offered load, and what is checked: the kinds whose course differs.
    private static IEnumerable<WorkloadResult> Choose(RunReport report)
    {
        WorkloadResult[] timed = [.. WorkloadGroups.Commands(report).Where(workload => workload.Intervals is { Histograms.Count: > 1 })];
        IEnumerable<WorkloadResult> typical = timed.Where(workload => !WorkloadGroups.IsOpenLoop(workload) && workload.Variant is null && workload.BlockBytes == 4096 && workload.QueueDepth is 1 or 32 && workload.ReadPercent is null);
        return typical.Take(Most - 2).Concat(timed.Where(WorkloadGroups.IsOpenLoop).OrderByDescending(workload => workload.RatePerSecond)).Concat(timed).Distinct();
    }
}
