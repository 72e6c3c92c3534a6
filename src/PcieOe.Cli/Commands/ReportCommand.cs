using System.CommandLine;
using PcieOe.Cli.Reports;

namespace PcieOe.Cli.Commands;

/// <summary><c>pcieoe report FILE</c>: renders a saved run.</summary>
internal static class ReportCommand
{
    internal static Command Create()
    {
        Argument<FileInfo> file = new("FILE") { Description = "A run that was saved with --json." };
        ReportOutput output = new();
        TaughtCommand command = new("report", "Shows a saved run.", """
            Examples:
              pcieoe lab --json run.json && pcieoe report run.json
              pcieoe report run.json --html run.html     one file with plots, to open in a browser or to send
              pcieoe report run.json --hgrm histograms   for tools of HdrHistogram
            """)
        {
            file,
        };
        output.AddTo(command);
        command.SetAction(parsed =>
        {
            RunReport? report = RunReport.Load(parsed.GetValue(file)!.FullName, out string problem);
            if (report is null)
            {
                Console.Error.WriteLine($"pcieoe report: {problem}");
                return ExitCode.Failure;
            }

            output.Write(parsed, report);
            return ExitCode.Success;
        });
        return command;
    }
}
