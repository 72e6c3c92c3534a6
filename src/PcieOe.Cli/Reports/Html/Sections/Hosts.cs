namespace PcieOe.Cli.Reports.Html.Sections;

/// <summary>Several hosts at one target: what each got.</summary>
internal static class Hosts
{
    internal static void Write(HtmlWriter html, RunReport report)
    {
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
}
