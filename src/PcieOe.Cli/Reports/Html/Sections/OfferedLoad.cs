using PcieOe.Cli.Reports.Html.Plots;
using PcieOe.Host.Bench;
using PcieOe.Transport.Histograms;

namespace PcieOe.Cli.Reports.Html.Sections;

/// <summary>Open loop: commands start on time whatever became of earlier ones, and latency counts from that time.</summary>
internal static class OfferedLoad
{
    private const double KeptUp = 0.98;

    internal static void Write(HtmlWriter html, RunReport report)
    {
        IGrouping<string, WorkloadResult>[] groups = [.. WorkloadGroups.ByRate(report)];
        if (groups.Length == 0)
        {
            return;
        }

        html.Markup("<h2>Offered load</h2><p class=\"quiet\">Commands start on time, whatever became of earlier ones, and latency counts from that time: what a queue in front of the device costs is in it.</p><div class=\"plots\">");
        foreach (IGrouping<string, WorkloadResult> group in groups)
        {
            WriteLatency(html, group);
            WriteAchieved(html, group);
        }

        html.Markup("</div>");
    }

    private static void WriteLatency(HtmlWriter html, IGrouping<string, WorkloadResult> group)
    {
        (string Name, double Percentile, Func<LatencySummary, double> Value)[] figures =
        [
            ("median", 50, latency => latency.P50Microseconds),
            ("p99", 99, latency => latency.P99Microseconds),
            ("p99.9", 99.9, latency => latency.P999Microseconds),
        ];
        List<PlotSeries> series = [.. figures.Select((figure, index) => new PlotSeries(figure.Name,
            [.. group.Select(workload => new PlotPoint(workload.RatePerSecond!.Value, figure.Value(workload.Latency), !workload.Latency.Supports(figure.Percentile),
                $"{workload.Name}: {Figures.Micro(figure.Value(workload.Latency))} us"))], index))];
        Axis vertical = Axis.Logarithmic("latency, us", series.SelectMany(line => line.Points).Select(point => point.Y));
        LinePlot.Write(html, $"{group.Key}: latency", Offered(group), vertical, series, Figures.Count, Figures.Micro);
    }

    private static void WriteAchieved(HtmlWriter html, IGrouping<string, WorkloadResult> group)
    {
        PlotSeries achieved = new("achieved", [.. group.Select(workload =>
        {
            bool keptUp = workload.CommandsPerSecond >= KeptUp * workload.RatePerSecond!.Value;
            return new PlotPoint(workload.RatePerSecond.Value, workload.CommandsPerSecond, Note: $"{Figures.Count(workload.CommandsPerSecond)} IOPS{(keptUp ? "" : ": saturated")}");
        })], 0);
        double most = group.Max(workload => workload.RatePerSecond!.Value);
        PlotSeries offered = new("offered", [new PlotPoint(0, 0), new PlotPoint(most, most)], 7) { IsSecondary = true };
        Axis vertical = Axis.Linear("achieved, IOPS", [most, .. achieved.Points.Select(point => point.Y)]);
        LinePlot.Write(html, $"{group.Key}: achieved (offered, dotted)", Offered(group), vertical, [achieved, offered], Figures.Count, Figures.Count);
    }

    private static Axis Offered(IGrouping<string, WorkloadResult> group) => Axis.Linear("offered, IOPS", group.Select(workload => workload.RatePerSecond!.Value));
}
