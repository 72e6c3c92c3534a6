using System.CommandLine;
using System.Globalization;
using PcieOe.Cli.CapacityPlans;
using PcieOe.Cli.Reports;
using PcieOe.Host.Bench.Traces;
using PcieOe.Transport.Policies.NestedQos;
using PcieOe.Transport.Policies.NestedQos.Planning;

namespace PcieOe.Cli.Commands;

/// <summary><c>pcieoe plan TRACE</c>: which Nested QoS classes hold a trace, and what capacity they take.</summary>
internal static class PlanCommand
{
    private const string DefaultClasses = "90%:5,99%:20,100%:100";

    internal static Command Create()
    {
        Argument<FileInfo> trace = new("TRACE") { Description = "Arrivals: a line for each command, seconds,operation,offset,bytes." };
        Option<string> classes = new("--classes") { Description = "Part of the commands, and response time in ms, for each class.", DefaultValueFactory = _ => DefaultClasses, HelpName = "LIST" };
        classes.Validators.Add(result =>
        {
            if (Parse(result.GetValueOrDefault<string>()) is null)
            {
                result.AddError($"--classes is a list such as {DefaultClasses}: percents up to 100 and milliseconds, neither falling, at most {NestedQosScheduler.MaximumClasses}.");
            }
        });
        Option<FileInfo?> svg = CommonOptions.Result("--svg", "Also draw the capacity as an SVG.");
        Option<FileInfo?> json = CommonOptions.Json();
        TaughtCommand command = new("plan", "Fits Nested QoS classes to a trace of arrivals, and says what capacity they take with and without nesting.", """
            Each class holds its part of the commands (those of tighter classes included) within its response time. Capacity is in units of
            4 KiB a second: a command takes one for each 4 KiB that it moves, at least one. Beside the nested classes stands what it would
            take to give the last class's part of the commands the first one's response time. docs/policies.md says how classes work.

            Examples:
              pcieoe plan trace.csv
              pcieoe plan trace.csv --classes 95%:2,100%:50 --svg plan.svg --json plan.json
            """)
        {
            trace, classes, svg, json,
        };
        command.SetAction(parsed =>
        {
            CapacityPlan plan = CapacityPlan.Of(ArrivalTrace.Load(parsed.GetValue(trace)!.FullName), Parse(parsed.GetValue(classes))!);
            CapacityPlanText.Write(ReportConsole.Create(), plan);
            if (parsed.GetValue(svg) is { } picture)
            {
                File.WriteAllText(picture.FullName, CapacityPlanSvg.Render(plan));
            }

            if (parsed.GetValue(json) is { } file)
            {
                plan.Save(file.FullName);
            }

            return ExitCode.Success;
        });
        return command;
    }

    /// <summary>Null: it is no such list.</summary>
    private static List<ClassTarget>? Parse(string? text)
    {
        List<ClassTarget> list = [];
        foreach (string part in (text ?? string.Empty).Split(',', StringSplitOptions.TrimEntries))
        {
            string[] sides = part.Split(':', StringSplitOptions.TrimEntries);
            if (sides.Length != 2
                || !double.TryParse(sides[0].TrimEnd('%'), NumberStyles.Float, CultureInfo.InvariantCulture, out double percent)
                || !double.TryParse(sides[1], NumberStyles.Float, CultureInfo.InvariantCulture, out double milliseconds)
                || percent is not (> 0 and <= 100) || milliseconds is not (>= 0.01 and <= 3_600_000)
                || (list.Count > 0 && (percent / 100 < list[^1].Fraction || milliseconds < list[^1].ResponseMilliseconds)))
            {
                return null;
            }

            list.Add(new ClassTarget(percent / 100, milliseconds));
        }

        return list.Count <= NestedQosScheduler.MaximumClasses ? list : null;
    }
}
