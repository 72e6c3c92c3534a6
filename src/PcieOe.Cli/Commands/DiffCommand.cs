using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using PcieOe.Cli.Reports;
using PcieOe.Cli.Reports.Comparison;

namespace PcieOe.Cli.Commands;

/// <summary><c>pcieoe diff A B</c>: what became better or worse from one run to another.</summary>
internal static class DiffCommand
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    internal static Command Create()
    {
        Argument<FileInfo> before = new("A") { Description = "A run that was saved with --json." };
        Argument<FileInfo> after = new("B") { Description = "A later one." };
        Option<string> threshold = new("--threshold") { Description = "A change up to this is none.", DefaultValueFactory = _ => "10%", HelpName = "PERCENT" };
        threshold.Validators.Add(result =>
        {
            if (!TryParsePercent(result.GetValueOrDefault<string>(), out _))
            {
                result.AddError("--threshold is a percentage from 0 to 1000, such as 10%.");
            }
        });
        Option<bool> all = new("--all") { Description = "Show figures that did not change, too." };
        Option<FileInfo?> json = CommonOptions.Json();
        TaughtCommand command = new("diff", "Compares two saved runs; the exit code is 1 where something became worse.", """
            Workloads of the same name are compared in IOPS, median and p99. A change counts if it is beyond the threshold and beyond what
            the figure varied by within the runs themselves (two standard deviations of their intervals): a noisy run cannot fail a quiet
            one. The raw port's own figures stand on top and are not judged: if they changed, so did the machine. The exit code is 0 where
            nothing became worse, 1 where something did, 2 where a file cannot be read.

            Examples:
              pcieoe diff before.json after.json
              pcieoe diff main.json branch.json --threshold 5% --all
            """)
        {
            before, after, threshold, all, json,
        };
        command.SetAction(parsed =>
        {
            RunReport? first = RunReport.Load(parsed.GetValue(before)!.FullName, out string firstProblem);
            RunReport? second = RunReport.Load(parsed.GetValue(after)!.FullName, out string secondProblem);
            if (first is null || second is null)
            {
                Console.Error.WriteLine($"pcieoe diff: {(first is null ? firstProblem : secondProblem)}");
                return ExitCode.Usage;
            }

            _ = TryParsePercent(parsed.GetValue(threshold), out double percent);
            RunComparison comparison = RunComparison.Of(first, second, percent);
            ComparisonText.Write(ReportConsole.Create(), comparison, percent, parsed.GetValue(all));
            if (parsed.GetValue(json) is { } file)
            {
                File.WriteAllText(file.FullName, ComparisonText.ToJson(comparison, percent).ToJsonString(Indented) + "\n");
            }

            return comparison.HasRegression ? ExitCode.Failure : ExitCode.Success;
        });
        return command;
    }

    private static bool TryParsePercent(string? text, out double percent) =>
        double.TryParse(text?.TrimEnd('%', ' '), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out percent) && percent <= 1000;
}
