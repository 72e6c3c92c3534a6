using PcieOe.Host.Bench;
using PcieOe.Transport.Histograms;

namespace PcieOe.Cli.Reports;

/// <summary>
/// Saves each workload's latencies as tools of HdrHistogram read them: NAME.hgrm, the percentiles in microseconds, and NAME.hlog, an
/// interval log in nanoseconds whose times count from the workload's start.
/// </summary>
internal static class HistogramFiles
{
    internal static void Save(string folder, RunReport report)
    {
        Directory.CreateDirectory(folder);
        foreach (WorkloadResult workload in report.Workloads)
        {
            string path = Path.Combine(folder, FileName(workload.Name));
            using LatencyHistogram? all = WorkloadGroups.Decode(workload.Histogram);
            if (all is null)
            {
                continue;
            }

            using (StreamWriter percentiles = new(path + ".hgrm"))
            {
                PercentileFile.Write(percentiles, all);
            }

            if (workload.Intervals is { } intervals)
            {
                using StreamWriter writer = new(path + ".hlog");
                IntervalLog log = new(writer, report.Started);
                for (int i = 0; i < intervals.Histograms.Count; i++)
                {
                    using LatencyHistogram? interval = WorkloadGroups.Decode(intervals.Histograms[i]);
                    if (interval is not null)
                    {
                        log.Append(workload.Name, i * intervals.Seconds, intervals.Seconds, interval);
                    }
                }
            }
        }
    }

    private static string FileName(string workload) => string.Concat(workload.Select(letter => char.IsAsciiLetterOrDigit(letter) || letter is '-' or '_' or '+' or '.' ? letter : '_'));
}
