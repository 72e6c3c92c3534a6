using System.CommandLine;
using PcieOe.Cli.Plans;

namespace PcieOe.Cli.Commands;

/// <summary>Which plan a characterisation follows.</summary>
internal sealed class PlanOptions
{
    private readonly Option<FileInfo?> _plan = new("--plan") { Description = "What to measure; without it the plan that --print-plan shows.", HelpName = "FILE" };
    private readonly Option<bool> _print = new("--print-plan") { Description = "Print the plan that comes with the program, to be edited, and do nothing else." };
    private readonly Option<double?> _seconds = new("--seconds") { Description = "How long each workload is measured, whatever the plan says.", HelpName = "SECONDS" };

    internal PlanOptions()
    {
        _seconds.Validators.Add(result =>
        {
            if (result.Tokens.Count > 0 && result.GetValueOrDefault<double?>() is not (>= 0.1 and <= 3600))
            {
                result.AddError("--seconds goes from 0.1 to 3600.");
            }
        });
    }

    internal void AddTo(Command command)
    {
        command.Add(_plan);
        command.Add(_print);
        command.Add(_seconds);
    }

    internal double? Seconds(ParseResult parsed) => parsed.GetValue(_seconds);

    internal Plan Load(ParseResult parsed) => PlanFile.Load(parsed.GetValue(_plan));

    /// <summary>True: that was all that was asked for.</summary>
    internal bool Print(ParseResult parsed)
    {
        bool isAsked = parsed.GetValue(_print);
        if (isAsked)
        {
            Console.Write(PlanFile.DefaultText);
        }

        return isAsked;
    }
}
