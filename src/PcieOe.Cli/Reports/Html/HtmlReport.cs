using PcieOe.Cli.Reports.Html.Sections;

namespace PcieOe.Cli.Reports.Html;

/// <summary>A run as one HTML file that needs nothing else: no network, no script; its plots are SVG with the values in tables behind them.</summary>
internal static class HtmlReport
{
    private const string StyleResource = "PcieOe.Cli.Reports.Html.report.css";

    internal static void Save(string path, RunReport report) => File.WriteAllText(path, Render(report));

    internal static string Render(RunReport report)
    {
        HtmlWriter html = new();
        html.Markup("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">");
        html.Add($"<title>PcieOe {report.Started:yyyy-MM-dd HH:mm}</title>\n<link rel=\"icon\" href=\"data:,\">");
        html.Markup($"<style>\n{Style()}</style>\n</head>\n<body>\n<main>");
        Overview.Write(html, report);
        SingleTlps.Write(html, report);
        HopBudget.Write(html, report);
        Distributions.Write(html, report);
        Scaling.Write(html, report);
        OfferedLoad.Write(html, report);
        Hosts.Write(html, report);
        Classes.Write(html, report);
        OverTime.Write(html, report);
        Slowest.Write(html, report);
        WorkloadTable.Write(html, report);
        Outages.Write(html, report);
        DaemonStatus.Write(html, report);
        html.Markup("</main>\n</body>\n</html>");
        return html.ToString();
    }

    private static string Style()
    {
        using Stream stream = typeof(HtmlReport).Assembly.GetManifestResourceStream(StyleResource)!;
        using StreamReader reader = new(stream);
        return reader.ReadToEnd();
    }
}
