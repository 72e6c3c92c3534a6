using PcieOe.Host.Bench;
using PcieOe.Transport.Histograms;
using PcieOe.Transport.Hops;

namespace PcieOe.Cli.Reports;

/// <summary>
/// Saves each workload's latencies, and those of each of its hops, as tools of HdrHistogram read them: NAME.hgrm, the percentiles in
/// microseconds, and NAME.hlog, an interval log in nanoseconds whose times count from the workload's start. Of hops NAME is WORKLOAD.HOP.
/// </summary>
internal static class HistogramFiles
{
    internal static void Save(string folder, RunReport report)
    {
        Directory.CreateDirectory(folder);
        foreach (WorkloadResult workload in report.Workloads)
        {
            double seconds = workload.Intervals?.Seconds ?? 0;
            Save(folder, workload.Name, report.Started, workload.Histogram, workload.Intervals?.Histograms, seconds);
            IEnumerable<HopSummary> hops = workload.Hops.Concat(workload.HopParts).Concat(workload.EndToEnd is { } whole ? [whole] : []);
            foreach (HopSummary hop in hops.Where(hop => hop.Histogram is not null))
            {
                string name = hop.Hop is null ? hop.Name : $"{hop.Hop}.{hop.Name}";
                Save(folder, $"{workload.Name}.{name}", report.Started, hop.Histogram!, hop.Intervals, seconds);
            }
        }
    }

    private static void Save(string folder, string name, DateTimeOffset started, string histogram, IReadOnlyList<string>? intervals, double intervalSeconds)
    {
        using LatencyHistogram? all = WorkloadGroups.Decode(histogram);
        if (all is null)
        {
            return;
        }

        string path = Path.Combine(folder, FileName(name));
        using (StreamWriter percentiles = new(path + ".hgrm"))
        {
            PercentileFile.Write(percentiles, all);
        }

        if (intervals is null)
        {
            return;
        }

        using StreamWriter writer = new(path + ".hlog");
        IntervalLog log = new(writer, started);
        for (int i = 0; i < intervals.Count; i++)
        {
            using LatencyHistogram? interval = WorkloadGroups.Decode(intervals[i]);
            if (interval is not null)
            {
                log.Append(name, i * intervalSeconds, intervalSeconds, interval);
            }
        }
    }

    private static string FileName(string name) => string.Concat(name.Select(letter => char.IsAsciiLetterOrDigit(letter) || letter is '-' or '_' or '+' or '.' ? letter : '_'));
}
