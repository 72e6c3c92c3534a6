using System.Diagnostics;
using PcieOe.Cli.Lab;

namespace PcieOe.Cli.Tests;

/// <summary>A run of the command line as users run it: a process, its output and exit code.</summary>
internal sealed record CommandRun(int ExitCode, string Output, string Errors)
{
    private const int PatienceMilliseconds = 120_000;

    internal static ProcessStartInfo Describe(params string[] arguments) => new(Path.Combine(AppContext.BaseDirectory, "pcieoe"), arguments)
    {
        RedirectStandardOutput = true,
        RedirectStandardError = true,
    };

    internal static CommandRun Of(params string[] arguments) => Await(Process.Start(Describe(arguments))!);

    internal static CommandRun In(NetworkNamespace place, params string[] arguments) => Await(place.Start(Describe(arguments)));

    internal static CommandRun Await(Process process)
    {
        using (process)
        {
            Task<string> output = process.StandardOutput.ReadToEndAsync();
            Task<string> errors = process.StandardError.ReadToEndAsync();
            if (!process.WaitForExit(PatienceMilliseconds))
            {
                process.Kill(entireProcessTree: true);
            }

            process.WaitForExit();
            return new CommandRun(process.ExitCode, output.GetAwaiter().GetResult(), errors.GetAwaiter().GetResult());
        }
    }
}
