using PcieOe.Cli.Reports.Html.Plots;
using PcieOe.Host.Bench;

namespace PcieOe.Cli.Reports.Html.Sections;

/// <summary>How latency and throughput grow with depth and with size, and what a mix of reads and writes does.</summary>
internal static class Scaling
{
    internal static void Write(HtmlWriter html, RunReport report)
    {
        WriteDepth(html, [.. WorkloadGroups.ByDepth(report)]);
        WriteSize(html, [.. WorkloadGroups.BySize(report)]);
        WriteMix(html, [.. WorkloadGroups.ByMix(report)]);
    }

    private static void WriteDepth(HtmlWriter html, IGrouping<string, WorkloadResult>[] groups)
    {
        if (groups.Length == 0)
        {
            return;
        }

        html.Markup("<h2>Depth</h2><p class=\"quiet\">Closed loop: that many commands are always under way.</p><div class=\"plots\">");
        Axis depth = Axis.Doublings("commands under way", groups.SelectMany(group => group).Select(workload => (double)workload.QueueDepth), Figures.Short);
        Plot(html, "Commands a second", depth, groups, workload => workload.QueueDepth, Figures.Short, isLogarithmic: false, "IOPS", Figures.Count, workload => workload.CommandsPerSecond);
        PlotLatency(html, "Latency, median (and p99, dotted)", depth, groups, workload => workload.QueueDepth, Figures.Short);
        Axis rate = Axis.Linear("IOPS", groups.SelectMany(group => group).Select(workload => workload.CommandsPerSecond));
        PlotLatency(html, "Latency against throughput: median (and p99, dotted)", rate, groups, workload => workload.CommandsPerSecond, Figures.Count);
        html.Markup("</div>");
    }

    private static void WriteSize(HtmlWriter html, IGrouping<string, WorkloadResult>[] groups)
    {
        if (groups.Length == 0)
        {
            return;
        }

        html.Markup("<h2>Size</h2><div class=\"plots\">");
        Axis size = Axis.Doublings("bytes of a command", groups.SelectMany(group => group).Select(workload => (double)workload.BlockBytes), Figures.Size);
        Plot(html, "User data", size, groups, workload => workload.BlockBytes, Figures.Size, isLogarithmic: false, "Gb/s", Figures.Rate, workload => workload.GigabitsPerSecond);
        PlotLatency(html, "Latency, median (and p99, dotted)", size, groups, workload => workload.BlockBytes, Figures.Size);
        html.Markup("</div>");
    }

    private static void WriteMix(HtmlWriter html, IGrouping<string, (double ReadPercent, WorkloadResult Workload)>[] groups)
    {
        if (groups.Length == 0)
        {
            return;
        }

        html.Markup("<h2>Reads and writes mixed</h2><div class=\"plots\">");
        Axis share = Axis.Linear("reads, %", [100]);
        List<PlotSeries> rates = [.. groups.Select((group, index) => new PlotSeries(group.Key, [.. group.Select(entry => Point(entry.ReadPercent, entry.Workload.CommandsPerSecond, Figures.Count))], index))];
        Axis vertical = Axis.Linear("IOPS", rates.SelectMany(line => line.Points).Select(point => point.Y));
        LinePlot.Write(html, "Commands a second", share, vertical, rates, Figures.Short, Figures.Count);
        List<PlotSeries> latencies = [.. groups.Select((group, index) => new PlotSeries(group.Key, [.. group.Select(entry => Point(entry.ReadPercent, entry.Workload.Latency.P50Microseconds, Figures.Micro))], index))];
        LinePlot.Write(html, "Latency, median", share, Axis.Linear("latency, us", latencies.SelectMany(line => line.Points).Select(point => point.Y)), latencies, Figures.Short, Figures.Micro);
        html.Markup("</div>");
    }

    private static PlotPoint Point(double x, double y, Func<double, string> name) => new(x, y, Note: name(y));

    private static void PlotLatency(
        HtmlWriter html, string title, Axis horizontal, IGrouping<string, WorkloadResult>[] groups, Func<WorkloadResult, double> place, Func<double, string> placeName) =>
        Plot(html, title, horizontal, groups, place, placeName, isLogarithmic: true, "latency, us", Figures.Micro,
            workload => workload.Latency.P50Microseconds, workload => workload.Latency.P99Microseconds);

    private static void Plot(
        HtmlWriter html, string title, Axis horizontal, IGrouping<string, WorkloadResult>[] groups, Func<WorkloadResult, double> place, Func<double, string> placeName,
        bool isLogarithmic, string verticalLabel, Func<double, string> valueName, Func<WorkloadResult, double> value, Func<WorkloadResult, double>? second = null)
    {
        List<PlotSeries> series = [];
        foreach ((int index, IGrouping<string, WorkloadResult> group) in groups.Index())
        {
            series.Add(new PlotSeries(group.Key, [.. group.Select(workload => new PlotPoint(place(workload), value(workload), Note: $"{workload.Name}: {valueName(value(workload))}"))], index));
            if (second is not null)
            {
                PlotPoint[] points = [.. group.Select(workload =>
                    new PlotPoint(place(workload), second(workload), !workload.Latency.Supports(99), $"{workload.Name}: p99 {valueName(second(workload))}"))];
                series.Add(new PlotSeries($"{group.Key}, p99", points, index) { IsSecondary = true });
            }
        }

        IEnumerable<double> values = series.SelectMany(line => line.Points).Select(point => point.Y);
        LinePlot.Write(html, title, horizontal, isLogarithmic ? Axis.Logarithmic(verticalLabel, values) : Axis.Linear(verticalLabel, values), series, placeName, valueName);
    }
}
