using System.CommandLine;
using PcieOe.Cli.Reports;
using PcieOe.Cli.Reports.Html;

namespace PcieOe.Cli.Commands;

/// <summary><c>pcieoe report FILE</c>: renders a saved run.</summary>
internal static class ReportCommand
{
    internal static Command Create()
    {
        Argument<FileInfo> file = new("FILE") { Description = "A run that was saved with --json." };
        Option<FileInfo?> html = CommonOptions.Html();
        TaughtCommand command = new("report", "Shows a saved run.", """
            Examples:
              pcieoe lab --json run.json && pcieoe report run.json
              pcieoe report run.json --html run.html     one file with plots, to open in a browser or to send
            """)
        {
            file, html,
        };
        command.SetAction(parsed =>
        {
            RunReport? report = RunReport.Load(parsed.GetValue(file)!.FullName, out string problem);
            if (report is null)
            {
                Console.Error.WriteLine($"pcieoe report: {problem}");
                return ExitCode.Failure;
            }

            if (parsed.GetValue(html) is { } page)
            {
                HtmlReport.Save(page.FullName, report);
            }

            TextReport.Write(ReportConsole.Create(), report);
            return ExitCode.Success;
        });
        return command;
    }
}
