using System.CommandLine;
using PcieOe.Cli.LinkBench;

namespace PcieOe.Cli.Commands;

/// <summary>What 'bench-link' starts in its namespaces; not for people.</summary>
internal static class BenchLinkWorkerCommand
{
    internal const string Name = "bench-link-worker";

    internal static Command Create()
    {
        Argument<string> interfaceName = new("interface");
        Command command = new(Name, "Measures as 'bench-link' tells it on its standard input.") { interfaceName };
        command.Hidden = true;
        command.SetAction(parsed => BenchWorker.Run(parsed.GetValue(interfaceName)!, Console.In, Console.Out));
        return command;
    }
}
