using PcieOe.Cli.Reports.Html.Plots;
using PcieOe.Host.Bench;
using PcieOe.Transport.Histograms;

namespace PcieOe.Cli.Reports.Html.Sections;

/// <summary>What one TLP takes, apart from any command, over its size.</summary>
internal static class SingleTlps
{
    internal static void Write(HtmlWriter html, RunReport report)
    {
        WorkloadResult[] tlps = WorkloadGroups.SingleTlps(report);
        if (tlps.Length == 0)
        {
            return;
        }

        html.Markup("<h2>Single TLPs</h2><p class=\"quiet\">One at a time, apart from any command. What is timed: <b>regread</b> a read of the host in the function's BAR (4 bytes: a register, more: the controller's memory), until its completion; <b>regwrite</b> a write there, until a register read right behind it is answered, which tells that the write has arrived; <b>dmaread</b> a read of the device in the host's memory, by the device's clock; <b>dmawrite</b> a write of the device to the host's memory, from the host's order for it until it has come.</p><div class=\"plots\">");
        IGrouping<string, WorkloadResult>[] kinds = [.. tlps.GroupBy(workload => workload.Pattern + (workload.Variant is { } variant ? $", {variant}" : ""))];
        Axis size = Axis.Doublings("bytes of the TLP", tlps.Select(workload => (double)workload.BlockBytes), Figures.Size);
        WritePlot(html, "Median", size, kinds, 50, latency => latency.P50Microseconds);
        WritePlot(html, "p99", size, kinds, 99, latency => latency.P99Microseconds);
        html.Markup("</div>");
    }

    private static void WritePlot(HtmlWriter html, string title, Axis size, IGrouping<string, WorkloadResult>[] kinds, double percentile, Func<LatencySummary, double> value)
    {
        List<PlotSeries> series = [.. kinds.Select((kind, index) => new PlotSeries(kind.Key, [.. kind.OrderBy(workload => workload.BlockBytes).Select(workload =>
            new PlotPoint(workload.BlockBytes, value(workload.Latency), !workload.Latency.Supports(percentile), $"{workload.Name}: {Figures.Micro(value(workload.Latency))} us"))], index))];
        Axis latency = Axis.Linear("latency, us", series.SelectMany(line => line.Points).Select(point => point.Y));
        LinePlot.Write(html, title, size, latency, series, Figures.Size, Figures.Micro);
    }
}
