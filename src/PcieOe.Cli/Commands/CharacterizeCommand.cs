using System.CommandLine;
using PcieOe.Cli.Lab;
using PcieOe.Cli.Lab.Scenarios;
using PcieOe.Cli.Reports;

namespace PcieOe.Cli.Commands;

/// <summary><c>pcieoe characterize</c>: the lab's report for daemons that run already, on two boxes.</summary>
internal static class CharacterizeCommand
{
    internal static Command Create()
    {
        Option<string> control = new("--control") { Description = "The host agent's control socket.", DefaultValueFactory = _ => DaemonCommands.DefaultHostSocket, HelpName = "PATH" };
        Option<string?> target = new("--target-control") { Description = "The target's control socket, where it can be reached from here: its counters go into the report.", HelpName = "PATH" };
        Option<string?> attachment = new("--attachment") { Description = "Which attachment of the host agent; its first otherwise.", HelpName = "NAME" };
        Option<bool> overwrite = new("--overwrite") { Description = "Agree that the function's first blocks are overwritten." };
        PlanOptions plan = new();
        ReportOutput output = new();
        TaughtCommand command = new("characterize", "Characterises the path between running daemons, workload by workload.", """
            Runs on the box of the host agent, whose built-in driver does the work: give it an attachment that no guest and no NBD client
            uses. Of the plan it runs the first path, on the daemons as they are configured; other paths and "hosts" are the lab's.
            It writes to the start of the function, as far as the plan's working set goes, and says so unless --overwrite agrees.

            Examples:
              pcieoe characterize --overwrite --json run.json --html run.html
              pcieoe characterize --print-plan > plan.json     edit it, then:
              pcieoe characterize --overwrite --plan plan.json --control /run/pcieoe/host.sock
            """)
        {
            control, target, attachment, overwrite,
        };
        plan.AddTo(command);
        output.AddTo(command);
        command.SetAction(async (parsed, cancellation) =>
        {
            if (plan.Print(parsed))
            {
                return ExitCode.Success;
            }

            RunningDaemons daemons = new(parsed.GetValue(control)!, parsed.GetValue(target), parsed.GetValue(attachment));
            Plans.Plan loaded = plan.Load(parsed);
            if (!parsed.GetValue(overwrite))
            {
                await Console.Error.WriteLineAsync($"pcieoe characterize: it overwrites the first {loaded.WorkingSet} of the function. Add --overwrite if nothing there is wanted any more.").ConfigureAwait(false);
                return ExitCode.Usage;
            }

            RunReport report = await RunningScenario.RunAsync(daemons, loaded, plan.Seconds(parsed), new ConsoleLabProgress(), cancellation).ConfigureAwait(false);
            Console.WriteLine();
            output.Write(parsed, report);
            return report.IsFaultless ? ExitCode.Success : ExitCode.Failure;
        });
        return command;
    }
}
