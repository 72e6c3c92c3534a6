using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using PcieOe.Cli.Reports;
using Spectre.Console;

namespace PcieOe.Cli.Commands;

/// <summary><c>pcieoe policy</c>: what a running daemon's tenants are promised and get, and changing it.</summary>
internal static class PolicyCommand
{
    private const double MostMegabits = 1e6;
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    internal static Command Create()
    {
        TaughtCommand command = new("policy", "Shows or changes a running daemon's bandwidth limits.", """
            Megabits are 10^6 bits, as the wire counts them. See docs/policies.md.

            Examples:
              pcieoe policy show
              pcieoe policy set web --egress-min 4000 --egress-max 8000
            """);
        command.Subcommands.Add(CreateShow());
        command.Subcommands.Add(CreateSet());
        return command;
    }

    private static TaughtCommand CreateShow()
    {
        Option<string?> control = DaemonCommands.Control(DaemonCommands.DefaultTargetSocket);
        Option<FileInfo?> json = CommonOptions.Json();
        TaughtCommand command = new("show", "Prints each tenant's limits, what it gets, and what holds it back.", """
            Of a target, unless --control names another daemon's socket.
            """)
        {
            control, json,
        };
        command.SetAction(async (parsed, cancellation) =>
        {
            JsonObject? answer = await DaemonCommands.AskAsync(
                "policy", parsed.GetValue(control)!, new JsonObject { ["command"] = "bandwidth" }, null, cancellation).ConfigureAwait(false);
            if (answer?["gatekeeper"] is not JsonObject gatekeeper)
            {
                return ExitCode.Failure;
            }

            if (parsed.GetValue(json) is { } file)
            {
                await File.WriteAllTextAsync(file.FullName, gatekeeper.ToJsonString(Indented) + "\n", cancellation).ConfigureAwait(false);
            }

            Write(ReportConsole.Create(), gatekeeper);
            return ExitCode.Success;
        });
        return command;
    }

    private static TaughtCommand CreateSet()
    {
        Argument<string> tenant = new("TENANT") { Description = "A tenant of the daemon." };
        (string Key, Option<double?> Option)[] limits =
        [
            ("egress_min_mbps", Limit("--egress-min", "Guaranteed of what leaves the daemon's port")),
            ("egress_max_mbps", Limit("--egress-max", "The most that leaves it; 0: no maximum")),
            ("ingress_min_mbps", Limit("--ingress-min", "Guaranteed of what arrives")),
            ("ingress_max_mbps", Limit("--ingress-max", "The most that arrives; 0: no maximum")),
        ];
        Option<string?> control = DaemonCommands.Control(DaemonCommands.DefaultTargetSocket);
        TaughtCommand command = new("set", "Changes a tenant's limits until the daemon ends.", """
            What is not given stays. Minima that sum up to more than the link has are refused.

            Example:
              pcieoe policy set web --egress-min 4000 --ingress-max 2000
            """)
        {
            tenant, control,
        };
        Array.ForEach(limits, limit => command.Options.Add(limit.Option));
        command.SetAction(async (parsed, cancellation) =>
        {
            JsonObject request = new() { ["command"] = "bandwidth-set", ["tenant"] = parsed.GetValue(tenant) };
            foreach ((string key, Option<double?> option) in limits)
            {
                if (parsed.GetValue(option) is { } value)
                {
                    request[key] = value;
                }
            }

            if (request.Count == 2)
            {
                await Console.Error.WriteLineAsync("pcieoe policy set: nothing is to be changed: give at least one limit, such as --egress-min 4000.").ConfigureAwait(false);
                return ExitCode.Usage;
            }

            return await DaemonCommands.AskAsync("policy", parsed.GetValue(control)!, request, null, cancellation).ConfigureAwait(false) is null ? ExitCode.Failure : ExitCode.Success;
        });
        return command;
    }

    private static Option<double?> Limit(string name, string description)
    {
        Option<double?> option = new(name) { Description = description + ", Mb/s.", HelpName = "MBPS" };
        option.Validators.Add(result =>
        {
            if (result.Tokens.Count > 0 && !(result.GetValueOrDefault<double?>() is >= 0 and <= MostMegabits))
            {
                result.AddError($"{name} goes from 0 to {MostMegabits:F0}.");
            }
        });
        return option;
    }

    private static void Write(IAnsiConsole console, JsonObject gatekeeper)
    {
        string link = gatekeeper["link_mbps"] is { } rate ? $"a link of {Megabits(rate)} Mb/s" : "a link of unknown rate";
        Table table = new Table { Border = TableBorder.Simple, Title = new TableTitle($"Tenants on {link} (Mb/s)") }
            .AddColumns("tenant", "sessions", "direction", "min", "max", "achieved", "held to", "feedback");
        foreach (JsonNode? tenant in gatekeeper["tenants"]!.AsArray())
        {
            foreach (string direction in (string[])["egress", "ingress"])
            {
                JsonNode limits = tenant![direction]!;
                bool isEgress = direction == "egress";
                table.AddRow(
                    isEgress ? Markup.Escape(tenant["name"]!.ToString()) : "",
                    isEgress ? tenant["sessions"]!.ToString() : "",
                    direction,
                    Megabits(limits["min_mbps"]),
                    Megabits(limits["max_mbps"]),
                    Megabits(limits["achieved_mbps"]),
                    Megabits(limits["held_to_mbps"]),
                    isEgress ? $"{tenant["feedback_received"]} heard" : $"{tenant["feedback_sent"]} sent");
            }
        }

        console.Write(table);
    }

    private static string Megabits(JsonNode? value) => value is null ? "" : value.GetValue<double>().ToString("0.#", CultureInfo.InvariantCulture);
}
