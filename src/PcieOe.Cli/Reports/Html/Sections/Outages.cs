namespace PcieOe.Cli.Reports.Html.Sections;

/// <summary>What outages did to verified load.</summary>
internal static class Outages
{
    internal static void Write(HtmlWriter html, RunReport report)
    {
        if (report.Outage is not { } outage)
        {
            return;
        }

        html.Markup("<h2>Outages under verified load</h2><div class=\"scroll\"><table><thead><tr><th></th><th>outage, s</th><th>back after, s</th><th>failed</th><th>verified blocks</th><th>wrong</th></tr></thead><tbody>");
        Row(html, "cable cut", outage);
        if (outage.TargetKilled is { } killed)
        {
            Row(html, "target killed, restarted", killed);
        }

        html.Markup("</tbody></table></div>");
    }

    private static void Row(HtmlWriter html, string name, OutageResult outage) => html.Add(
        $"<tr><th>{name}</th><td>{outage.OutageSeconds}</td><td>{outage.RecoveredAfterSeconds}</td><td>{Figures.Count(outage.Errors)}</td><td>{Figures.Count(outage.VerifiedBlocks)}</td><td>{Figures.Count(outage.VerifyErrors)}</td></tr>");
}
