using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace PcieOe.Cli.Commands;

/// <summary><c>pcieoe timing</c>: what the flash of a running target's function takes, and changing it.</summary>
internal static class TimingCommand
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    internal static Command Create()
    {
        Argument<string> function = new("FUNCTION") { Description = "A function of the target's pool." };
        Argument<string[]> values = new("KEY=VALUE")
        {
            Description = "What to change, named as in the configuration's functions[].timing.",
            Arity = ArgumentArity.ZeroOrMore,
        };
        Option<string?> control = DaemonCommands.Control(DaemonCommands.DefaultTargetSocket);
        Option<FileInfo?> json = CommonOptions.Json();
        TaughtCommand command = new("timing", "Shows or changes what the simulated flash of a running target's function takes.", """
            A change counts from the next command on, until the target ends. See docs/flash-timing.md.

            Examples:
              pcieoe timing flash0
              pcieoe timing flash0 readLsbMicroseconds=60 cellJitterPercent=0
            """)
        {
            function, values, control, json,
        };
        command.SetAction(async (parsed, cancellation) =>
        {
            JsonObject request = new() { ["command"] = "timing", ["function"] = parsed.GetValue(function) };
            JsonObject set = [];
            foreach (string value in parsed.GetValue(values) ?? [])
            {
                int equals = value.IndexOf('=', StringComparison.Ordinal);
                if (equals <= 0 || equals == value.Length - 1)
                {
                    await Console.Error.WriteLineAsync($"pcieoe timing: '{value}' is not KEY=VALUE, such as readLsbMicroseconds=60.").ConfigureAwait(false);
                    return ExitCode.Usage;
                }

                set[value[..equals]] = value[(equals + 1)..];
            }

            if (set.Count > 0)
            {
                request["set"] = set;
            }

            JsonObject? answer = await DaemonCommands.AskAsync("timing", parsed.GetValue(control)!, request, null, cancellation).ConfigureAwait(false);
            if (answer?["timing"] is not JsonObject timing)
            {
                return ExitCode.Failure;
            }

            if (parsed.GetValue(json) is { } file)
            {
                await File.WriteAllTextAsync(file.FullName, timing.ToJsonString(Indented) + "\n", cancellation).ConfigureAwait(false);
            }

            foreach ((string key, JsonNode? value) in timing)
            {
                Console.WriteLine($"{key,-30} {value}");
            }

            return ExitCode.Success;
        });
        return command;
    }
}
