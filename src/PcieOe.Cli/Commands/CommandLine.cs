using System.CommandLine;
using System.CommandLine.Invocation;
using System.Runtime.InteropServices;
using PcieOe.Cli.Lab;
using PcieOe.Transport.Ports;

namespace PcieOe.Cli.Commands;

/// <summary>The commands together, and how any of them ends.</summary>
internal static class CommandLine
{
    internal static int Run(string[] arguments)
    {
        RootCommand root = new("PCIe Transaction Layer Packets over plain Ethernet: tools to build, try and characterise such a path.")
        {
            BenchLinkCommand.Create(),
            BenchLinkWorkerCommand.Create(),
            CharacterizeCommand.Create(),
            DiffCommand.Create(),
            DiscoverCommand.Create(),
            ImpairCommand.Create(),
            LabCommand.Create(),
            PlanCommand.Create(),
            PolicyCommand.Create(),
            ReportCommand.Create(),
            TimingCommand.Create(),
        };
        foreach (Command command in DaemonCommands.Create())
        {
            root.Add(command);
        }

#if WITH_SHARPPCAP
        root.Add(DecodeCommand.Create());
#endif
        TaughtCommand.Teach(root);
        ParseResult parsed = root.Parse(arguments);

        // Signals are taken here and not by the library: it would wait two seconds and go on without what has to be cleaned up.
        InvocationConfiguration configuration = new() { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null };
        if (parsed.Errors.Count > 0)
        {
            // Of a command's own mistakes only these are said: above all that its help says they would be out of sight.
            bool isOfCommand = parsed.CommandResult.Command.Subcommands.Count == 0;
            if (isOfCommand && parsed.Action is ParseErrorAction action)
            {
                action.ShowHelp = false;
            }

            parsed.Invoke(configuration);
            if (isOfCommand)
            {
                Console.Error.WriteLine($"'pcieoe {parsed.CommandResult.Command.Name} --help' says what it takes.");
            }

            return ExitCode.Usage;
        }

        using CancellationTokenSource interruption = new();
        using PosixSignalRegistration interrupted = PosixSignalRegistration.Create(PosixSignal.SIGINT, Interrupt);
        using PosixSignalRegistration terminated = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Interrupt);
        try
        {
            return parsed.InvokeAsync(configuration, interruption.Token).GetAwaiter().GetResult();
        }
        catch (Exception) when (interruption.IsCancellationRequested)
        {
            // Whatever it is, it comes of what the interruption ended: workers, daemons, connections to them.
            return ExitCode.Interrupted;
        }
        catch (Exception exception) when (exception is LabException or PortException or IOException or UnauthorizedAccessException)
        {
            Console.Error.WriteLine($"pcieoe: {exception.Message}");
            return ExitCode.Failure;
        }

        // The first one ends it in order, the second one at once.
        void Interrupt(PosixSignalContext context)
        {
            context.Cancel = !interruption.IsCancellationRequested;
            interruption.Cancel();
        }
    }
}
