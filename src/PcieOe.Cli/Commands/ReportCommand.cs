using System.CommandLine;
using PcieOe.Cli.Reports;

namespace PcieOe.Cli.Commands;

/// <summary><c>pcieoe report FILE</c>: renders a saved run.</summary>
internal static class ReportCommand
{
    internal static Command Create()
    {
        Argument<FileInfo> file = new("FILE") { Description = "A run that was saved with --json." };
        TaughtCommand command = new("report", "Shows a saved run.", """
            Example:
              pcieoe lab --json run.json && pcieoe report run.json
            """)
        {
            file,
        };
        command.SetAction(parsed =>
        {
            RunReport? report = RunReport.Load(parsed.GetValue(file)!.FullName, out string problem);
            if (report is null)
            {
                Console.Error.WriteLine($"pcieoe report: {problem}");
                return ExitCode.Failure;
            }

            TextReport.Write(ReportConsole.Create(), report);
            return ExitCode.Success;
        });
        return command;
    }
}
