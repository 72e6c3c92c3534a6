using System.CommandLine;
using PcieOe.Cli.Reports;
using PcieOe.Cli.Reports.Html;

namespace PcieOe.Cli.Commands;

/// <summary>Where a command that makes or shows a run puts it: the terminal, and the files that were asked for.</summary>
internal sealed class ReportOutput
{
    private readonly Option<FileInfo?> _json = CommonOptions.Json();
    private readonly Option<FileInfo?> _html = CommonOptions.Result("--html", "Also write the report to this file, as one HTML page with plots.");
    private readonly Option<DirectoryInfo?> _histograms = new("--hgrm") { Description = "Also save each workload's latencies here, as HdrHistogram's .hgrm and interval logs.", HelpName = "DIR" };

    internal void AddTo(Command command)
    {
        command.Add(_json);
        command.Add(_html);
        command.Add(_histograms);
    }

    internal void Write(ParseResult parsed, RunReport report)
    {
        TextReport.Write(ReportConsole.Create(), report);
        if (parsed.GetValue(_json) is { } json)
        {
            report.Save(json.FullName);
        }

        if (parsed.GetValue(_html) is { } page)
        {
            HtmlReport.Save(page.FullName, report);
        }

        if (parsed.GetValue(_histograms) is { } folder)
        {
            HistogramFiles.Save(folder.FullName, report);
        }
    }
}
