using System.Text.Json.Nodes;
using PcieOe.Cli.Commands;

namespace PcieOe.Cli.Reports.Html.Sections;

/// <summary>Both daemons' counters at the end of the run, as they gave them.</summary>
internal static class DaemonStatus
{
    internal static void Write(HtmlWriter html, RunReport report)
    {
        if (report.Status is not { } status)
        {
            return;
        }

        html.Markup("<h2>Counters and configuration at the end</h2>");
        foreach ((string daemon, JsonNode? answer) in status)
        {
            if (answer is JsonObject members)
            {
                using StringWriter text = new();
                StatusText.Write(text, members);
                html.Add($"<details><summary>{daemon}</summary><pre>{text.ToString()}</pre></details>");
            }
        }
    }
}
