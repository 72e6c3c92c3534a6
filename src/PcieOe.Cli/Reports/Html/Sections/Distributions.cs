using PcieOe.Cli.Reports.Html.Plots;
using PcieOe.Host.Bench;
using PcieOe.Transport.Histograms;

namespace PcieOe.Cli.Reports.Html.Sections;

/// <summary>Whole latency distributions on a tail axis; dashed where fewer than ten samples lie beyond.</summary>
internal static class Distributions
{
    private const int PointsPerDecade = 16;

    internal static void Write(HtmlWriter html, RunReport report)
    {
        WorkloadResult[] pages = [.. report.Workloads.Where(workload => workload.BlockBytes == 4096 && !WorkloadGroups.IsOpenLoop(workload) && workload.Pattern is "randread" or "randwrite")];
        var groups = pages.GroupBy(workload => workload.QueueDepth).OrderBy(group => group.Key).Where(group => group.Count() > 1).Take(4).ToArray();
        if (groups.Length == 0)
        {
            groups = [.. WorkloadGroups.Commands(report).Take(LinePlot.Colours).GroupBy(workload => workload.QueueDepth)];
        }

        if (groups.Length == 0)
        {
            return;
        }

        html.Markup("<h2>Latency distributions</h2><p class=\"quiet\">Each further nine takes the same room. Dashed: fewer than ten samples lie beyond, so chance has drawn the line.</p><div class=\"plots\">");
        foreach (var group in groups)
        {
            WritePlot(html, $"Depth {group.Key}", [.. group.Take(LinePlot.Colours)]);
        }

        html.Markup("</div>");
    }

    private static void WritePlot(HtmlWriter html, string title, WorkloadResult[] workloads)
    {
        List<PlotSeries> series = [.. workloads.Select((workload, index) => new PlotSeries(workload.Name, Points(workload), index)).Where(line => line.Points.Count > 1)];
        if (series.Count > 0)
        {
            Axis horizontal = Axis.Tail("commands that were faster, %", series.Max(line => line.Points[^1].X));
            Axis vertical = Axis.Logarithmic("latency, us", series.SelectMany(line => line.Points).Select(point => point.Y));
            LinePlot.Write(html, title, horizontal, vertical, series, Percentile, Figures.Micro);
        }
    }

    private static List<PlotPoint> Points(WorkloadResult workload)
    {
        using LatencyHistogram? histogram = WorkloadGroups.Decode(workload.Histogram);
        List<PlotPoint> points = [];
        if (histogram is null || histogram.Count == 0)
        {
            return points;
        }

        double nines = Math.Log10(histogram.Count);
        for (int step = 0; step <= nines * PointsPerDecade; step++)
        {
            double beyond = Math.Pow(10, -(double)step / PointsPerDecade);
            double microseconds = Math.Max(histogram.ValueAtPercentile(100 * (1 - beyond)) / 1000.0, 0.001);
            points.Add(new PlotPoint(100 * (1 - beyond), microseconds, histogram.Count * beyond < 10 - 1e-6));
        }

        return points;
    }

    private static string Percentile(double value) => FormattableString.Invariant($"{value:0.######}");
}
