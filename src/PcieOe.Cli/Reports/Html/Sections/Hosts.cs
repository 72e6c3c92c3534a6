using PcieOe.Cli.Reports.Html.Plots;

namespace PcieOe.Cli.Reports.Html.Sections;

/// <summary>Several hosts at one target: what each got.</summary>
internal static class Hosts
{
    internal static void Write(HtmlWriter html, RunReport report)
    {
        WriteScaling(html, report.HostsScaling ?? []);
        if (report.Hosts is not { } hosts)
        {
            return;
        }

        html.Add($"<h2>Hosts sharing one target</h2><p class=\"quiet\">Together {Figures.Count(hosts.TotalCommandsPerSecond)} IOPS, {Figures.Rate(hosts.TotalGigabitsPerSecond)} Gb/s; fairness (Jain) {hosts.Fairness}; blocks of another host seen: {hosts.ForeignBlocks}; {hosts.TargetMemoryPerHostMebibytes} MiB of the target's memory for each host.</p>");
        html.Markup("<div class=\"scroll\"><table><thead><tr><th>host</th><th>IOPS</th><th>p50, us</th><th>p99, us</th><th>wrong blocks</th></tr></thead><tbody>");
        foreach (HostShare host in hosts.Hosts)
        {
            html.Add($"<tr><th>{host.Name}</th><td>{Figures.Count(host.CommandsPerSecond)}</td><td>{Figures.Micro(host.P50Microseconds)}</td><td>{Figures.Micro(host.P99Microseconds)}</td><td>{Figures.Count(host.VerifyErrors)}</td></tr>");
        }

        html.Markup("</tbody></table></div>");
    }

    private static void WriteScaling(HtmlWriter html, IReadOnlyList<HostsResult> scaling)
    {
        if (scaling.Count == 0)
        {
            return;
        }

        html.Markup("<h2>Hosts at one target</h2><p class=\"quiet\">All at once, each on a function of its own: verified reads and writes, keyed.</p><div class=\"plots\">");
        Axis count = Axis.Doublings("hosts", scaling.Select(hosts => (double)hosts.Hosts.Count), Figures.Short);
        PlotSeries together = new("together", [.. scaling.Select(hosts => Point(hosts, hosts.TotalCommandsPerSecond, Figures.Count))], 0);
        PlotSeries least = new("the slowest host", [.. scaling.Select(hosts => Point(hosts, hosts.Hosts.Min(host => host.CommandsPerSecond), Figures.Count))], 1);
        LinePlot.Write(html, "Commands a second", count, Axis.Linear("IOPS", together.Points.Select(point => point.Y)), [together, least], Figures.Short, Figures.Count);
        PlotSeries median = new("median, worst host", [.. scaling.Select(hosts => Point(hosts, hosts.Hosts.Max(host => host.P50Microseconds), Figures.Micro))], 0);
        PlotSeries tail = new("p99, worst host", [.. scaling.Select(hosts => Point(hosts, hosts.Hosts.Max(host => host.P99Microseconds), Figures.Micro))], 1);
        LinePlot.Write(html, "Latency", count, Axis.Logarithmic("latency, us", median.Points.Concat(tail.Points).Select(point => point.Y)), [median, tail], Figures.Short, Figures.Micro);
        html.Markup("</div>");
    }

    private static PlotPoint Point(HostsResult hosts, double value, Func<double, string> name) => new(hosts.Hosts.Count, value, Note: name(value));
}
