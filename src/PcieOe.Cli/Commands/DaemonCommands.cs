using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using PcieOe.Cli.Commands.Watching;
using PcieOe.Daemon.Configuration;
using PcieOe.Daemon.Control;

namespace PcieOe.Cli.Commands;

/// <summary>Commands to a running daemon over its control socket: status, assign, release, bench.</summary>
internal static class DaemonCommands
{
    internal const string DefaultHostSocket = "/run/pcieoe/host.sock";
    internal const string DefaultTargetSocket = "/run/pcieoe/target.sock";
    private const int MaximumDepth = 1023;
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    internal static IEnumerable<Command> Create() => [CreateStatus(), CreateAssign(), CreateRelease(), CreateBench()];

    /// <summary>Asks a daemon; a refusal is written to standard error. Null: refused.</summary>
    internal static async Task<JsonObject?> AskAsync(string command, string socket, JsonObject request, Action<JsonObject>? onProgress, CancellationToken cancellation)
    {
        JsonObject answer = await ControlClient.AskAsync(socket, request, onProgress, cancellation).ConfigureAwait(false);
        if (answer.Flag("ok", false))
        {
            return answer;
        }

        await Console.Error.WriteLineAsync($"pcieoe {command}: {answer.Text("error")}").ConfigureAwait(false);
        return null;
    }

    private static TaughtCommand CreateStatus()
    {
        Option<string?> control = Control(null);
        Option<FileInfo?> json = CommonOptions.Json();
        Option<bool> watch = new("--watch") { Description = "Show rates, again and again, until interrupted." };
        Option<double> interval = new("--interval") { Description = "With --watch: seconds between two looks.", DefaultValueFactory = _ => 1, HelpName = "SECONDS" };
        interval.Validators.Add(result =>
        {
            if (result.Tokens.Count > 0 && result.GetValueOrDefault<double>() is not (>= 0.1 and <= 3600))
            {
                result.AddError("--interval goes from 0.1 to 3600.");
            }
        });
        Option<int> updates = CommonOptions.Integer("--updates", "With --watch: how many looks; 0 for no end", 0, 0, int.MaxValue);
        TaughtCommand command = new("status", "Shows a daemon's sessions, counters, functions and process.", $"""
            Without --control it asks the daemons of this machine at their usual sockets, {DefaultHostSocket} and {DefaultTargetSocket}.
            The values' meanings stand in docs/report-format.md, under "Status".

            Examples:
              pcieoe status --json status.json
              pcieoe status --watch                  traffic, retransmissions and drops each second
            """)
        {
            control, json, watch, interval, updates,
        };
        command.SetAction(async (parsed, cancellation) =>
        {
            string[] sockets = parsed.GetValue(control) is { } given ? [given] : [.. ((string[])[DefaultHostSocket, DefaultTargetSocket]).Where(File.Exists)];
            if (sockets.Length == 0)
            {
                await Console.Error.WriteLineAsync($"pcieoe status: no daemon's control socket is at {DefaultHostSocket} or {DefaultTargetSocket}: name it with --control.").ConfigureAwait(false);
                return ExitCode.Failure;
            }

            if (parsed.GetValue(watch))
            {
                async Task<IReadOnlyList<JsonObject>> AskAllAsync() =>
                    await Task.WhenAll(sockets.Select(socket => ControlClient.AskAsync(socket, new JsonObject { ["command"] = "status" }, null, cancellation))).ConfigureAwait(false);
                await StatusWatch.RunAsync(AskAllAsync, parsed.GetValue(interval), parsed.GetValue(updates), cancellation).ConfigureAwait(false);
                return ExitCode.Success;
            }

            JsonArray answers = [];
            foreach (string socket in sockets)
            {
                JsonObject? answer = await AskAsync("status", socket, new JsonObject { ["command"] = "status" }, null, cancellation).ConfigureAwait(false);
                if (answer is null)
                {
                    return ExitCode.Failure;
                }

                answers.Add((JsonNode)answer);
            }

            JsonNode all = answers.Count == 1 ? answers[0]! : answers;
            if (parsed.GetValue(json) is { } file)
            {
                await File.WriteAllTextAsync(file.FullName, all.ToJsonString(Indented) + "\n", cancellation).ConfigureAwait(false);
            }

            foreach (JsonNode? answer in answers)
            {
                StatusText.Write(Console.Out, answer!.AsObject());
            }

            return ExitCode.Success;
        });
        return command;
    }

    private static TaughtCommand CreateAssign()
    {
        Argument<string> function = new("FUNCTION") { Description = "A function of the target's pool." };
        Argument<string> host = new("HOST") { Description = "A host of the target's configuration; * for any." };
        Option<string?> control = Control(DefaultTargetSocket);
        TaughtCommand command = new("assign", "Lets a host, and no other, attach a function of a running target.", """
            Example:
              pcieoe assign flash0 server1
            """)
        {
            function, host, control,
        };
        command.SetAction(async (parsed, cancellation) =>
        {
            JsonObject request = new() { ["command"] = "assign", ["function"] = parsed.GetValue(function), ["host"] = parsed.GetValue(host) };
            return await AskAsync("assign", parsed.GetValue(control)!, request, null, cancellation).ConfigureAwait(false) is null ? ExitCode.Failure : ExitCode.Success;
        });
        return command;
    }

    private static TaughtCommand CreateRelease()
    {
        Argument<string> function = new("FUNCTION") { Description = "A function of the target's pool." };
        Option<string?> control = Control(DefaultTargetSocket);
        TaughtCommand command = new("release", "Takes a function of a running target away from the host that holds it.", """
            The host sees the device unplugged. Nobody gets the function until it is assigned again.

            Example:
              pcieoe release flash0
            """)
        {
            function, control,
        };
        command.SetAction(async (parsed, cancellation) =>
        {
            JsonObject request = new() { ["command"] = "release", ["function"] = parsed.GetValue(function) };
            JsonObject? answer = await AskAsync("release", parsed.GetValue(control)!, request, null, cancellation).ConfigureAwait(false);
            if (answer is null)
            {
                return ExitCode.Failure;
            }

            Console.WriteLine(answer.Text("holder") is { } holder ? $"Taken away from {holder}." : "Nobody held it.");
            return ExitCode.Success;
        });
        return command;
    }

    private static TaughtCommand CreateBench()
    {
        Option<string> pattern = new("--rw") { Description = $"{PcieOe.Host.Bench.WorkloadOptions.PatternNames}.", DefaultValueFactory = _ => "randread", HelpName = "PATTERN" };
        Option<string> size = new("--bs") { Description = "Bytes of each command: 4096, 4k, 128k.", DefaultValueFactory = _ => "4k", HelpName = "SIZE" };
        Option<int> depth = CommonOptions.Integer("--qd", "Commands under way", 1, 1, MaximumDepth);
        Option<double> seconds = new("--seconds") { Description = "How long.", DefaultValueFactory = _ => 5, HelpName = "SECONDS" };
        Option<double> rate = CommonOptions.Number("--rate", "Commands a second, started on time (open loop); 0: as fast as the depth allows.", "N", 1e8);
        Option<bool> poisson = new("--poisson") { Description = "With --rate: exponential gaps instead of equal ones." };
        Option<FileInfo?> replay = new("--replay") { Description = "Plays the arrivals of a trace instead, each at its time.", HelpName = "TRACE" };
        Option<string?> attachment = new("--attachment") { Description = "Which attachment of the host agent; its first otherwise.", HelpName = "NAME" };
        Option<string?> control = Control(DefaultHostSocket);
        Option<int?> sampleEvery = new("--sample-every") { Description = "Times one command in so many at every hop; 1: all, 0: none. Otherwise as the host agent is configured.", HelpName = "N" };
        sampleEvery.Validators.Add(result =>
        {
            if (result.Tokens.Count > 0 && !(result.GetValueOrDefault<int?>() is >= 0 and <= HopSettings.MaximumSampleEvery))
            {
                result.AddError($"--sample-every goes from 0 to {HopSettings.MaximumSampleEvery}.");
            }
        });
        ReportOutput output = new();
        TaughtCommand command = new("bench", "Runs one workload of the built-in driver on a running host agent.", """
            It writes to the function: whatever is on it is overwritten by the patterns that write, and by the writes of a trace.

            Examples:
              pcieoe bench --rw randread --bs 4k --qd 32 --seconds 10
              pcieoe bench --rw verify --qd 16
              pcieoe bench --rw randread --rate 50000 --poisson --qd 256 --json run.json
              pcieoe bench --replay trace.csv

            A trace has a line for each command: seconds,operation,offset,bytes, such as 0.0125,read,40960,4096. Offsets behind the end come
            round to the beginning. The host agent reads the file, so it must be able to. Up to --qd commands are under way (1023 unless given);
            what finds no place starts late, and its latency counts from its time in the trace all the same.
            """)
        {
            pattern, size, depth, seconds, rate, poisson, replay, sampleEvery, attachment, control,
        };
        output.AddTo(command);
        command.Validators.Add(result =>
        {
            Option[] ofTheTrace = [pattern, size, seconds, rate, poisson];
            if (result.GetResult(replay) is not null && Array.Find(ofTheTrace, option => result.GetResult(option) is { Implicit: false }) is { } option)
            {
                result.AddError($"--replay takes no {option.Name}: what comes, and when, is as the trace has it.");
            }
        });
        command.SetAction(async (parsed, cancellation) =>
        {
            if (!Plans.BlockSize.TryParse(parsed.GetValue(size)!, out long bytes) || bytes is < 1 or > 1 << 30)
            {
                await Console.Error.WriteLineAsync($"pcieoe bench: --bs is '{parsed.GetValue(size)}', where a size such as 4096, 4k or 1m belongs.").ConfigureAwait(false);
                return ExitCode.Usage;
            }

            Lab.Daemons.BenchRequest request = new()
            {
                Pattern = parsed.GetValue(pattern)!,
                BlockBytes = (int)bytes,
                QueueDepth = parsed.GetValue(replay) is not null && parsed.GetResult(depth) is not { Implicit: false } ? MaximumDepth : parsed.GetValue(depth),
                Seconds = parsed.GetValue(seconds),
                RatePerSecond = parsed.GetValue(rate),
                IsPoisson = parsed.GetValue(poisson),
                Attachment = parsed.GetValue(attachment),
                WorkingSetBytes = long.MaxValue,
                SampleEvery = parsed.GetValue(sampleEvery),
                ReplayPath = parsed.GetValue(replay)?.FullName,
            };
            Lab.ConsoleLabProgress progress = new();
            progress.Begin(request.Name);
            string socket = parsed.GetValue(control)!;
            JsonObject? answer = await AskAsync("bench", socket, request.ToJson(request.Name), line => progress.Report(line.Number("progress", 0)), cancellation).ConfigureAwait(false);
            if (answer is null)
            {
                return ExitCode.Failure;
            }

            PcieOe.Host.Bench.WorkloadResult result = Lab.Daemons.BenchRequest.ResultOf(answer);
            progress.End(Lab.Scenarios.CharacterizeScenario.Describe(result));
            JsonObject status = await ControlClient.AskAsync(socket, new JsonObject { ["command"] = "status" }, null, cancellation).ConfigureAwait(false);
            Reports.RunReport report = new()
            {
                Started = DateTimeOffset.Now,
                Machine = Reports.MachineDescription.OfThisMachine(),
                Path = Lab.Scenarios.RunningScenario.Describe(status, request.Attachment),
                Workloads = [result],
            };
            output.Write(parsed, report);
            return report.IsFaultless ? ExitCode.Success : ExitCode.Failure;
        });
        return command;
    }

    internal static Option<string?> Control(string? defaultSocket)
    {
        Option<string?> option = new("--control") { Description = "The daemon's control socket.", HelpName = "PATH" };
        if (defaultSocket is not null)
        {
            option.DefaultValueFactory = _ => defaultSocket;
        }

        return option;
    }
}
