using System.CommandLine;
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
            DiscoverCommand.Create(),
            ImpairCommand.Create(),
            LabCommand.Create(),
            ReportCommand.Create(),
        };
        foreach (Command command in DaemonCommands.Create())
        {
            root.Add(command);
        }

        TaughtCommand.Teach(root);
        ParseResult parsed = root.Parse(arguments);
        InvocationConfiguration configuration = new() { EnableDefaultExceptionHandler = false };
        if (parsed.Errors.Count > 0)
        {
            parsed.Invoke(configuration);
            return ExitCode.Usage;
        }

        try
        {
            return parsed.InvokeAsync(configuration).GetAwaiter().GetResult();
        }
        catch (Exception exception) when (exception is LabException or PortException or IOException or UnauthorizedAccessException)
        {
            Console.Error.WriteLine($"pcieoe: {exception.Message}");
            return ExitCode.Failure;
        }
        catch (OperationCanceledException)
        {
            return ExitCode.Interrupted;
        }
    }
}
