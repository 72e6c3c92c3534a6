using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using PcieOe.Cli.Reports;

namespace PcieOe.Cli.Commands;

/// <summary><c>pcieoe policy</c>: what a running daemon's tenants are promised and get, and changing it.</summary>
internal static class PolicyCommand
{
    private const double MostMegabits = 1e6;
    private const double MostUnits = 1e9;
    private const double MostMilliseconds = 3_600_000;
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    internal static Command Create()
    {
        TaughtCommand command = new("policy", "Shows or changes what a running daemon promises its tenants.", """
            Bandwidth limits, of either daemon, and the classes of Nested QoS, of a target. Megabits are 10^6 bits, as the wire counts them; a unit
            is 4 KiB. See docs/policies.md.

            Examples:
              pcieoe policy show
              pcieoe policy set web --egress-min 4000 --egress-max 8000
              pcieoe policy set web --class gold --burst 60 --rate 3500
            """);
        command.Subcommands.Add(CreateShow());
        command.Subcommands.Add(CreateSet());
        return command;
    }

    private static TaughtCommand CreateShow()
    {
        Option<string?> control = DaemonCommands.Control(DaemonCommands.DefaultTargetSocket);
        Option<FileInfo?> json = CommonOptions.Json();
        TaughtCommand command = new("show", "Prints each tenant's limits and classes, what it gets, and what holds it back.", """
            Of a target, unless --control names another daemon's socket.
            """)
        {
            control, json,
        };
        command.SetAction(async (parsed, cancellation) =>
        {
            JsonObject? status = await DaemonCommands.AskAsync(
                "policy", parsed.GetValue(control)!, new JsonObject { ["command"] = "status" }, null, cancellation).ConfigureAwait(false);
            if (status is null)
            {
                return ExitCode.Failure;
            }

            JsonObject policies = [];
            foreach (string policy in (string[])["gatekeeper", "nested_qos"])
            {
                if (status[policy] is JsonObject section)
                {
                    policies[policy] = section.DeepClone();
                }
            }

            if (policies.Count == 0)
            {
                await Console.Error.WriteLineAsync("pcieoe policy: this daemon has no policies: give its configuration a section 'gatekeeper' or 'nestedQos' (docs/policies.md).").ConfigureAwait(false);
                return ExitCode.Failure;
            }

            if (parsed.GetValue(json) is { } file)
            {
                await File.WriteAllTextAsync(file.FullName, policies.ToJsonString(Indented) + "\n", cancellation).ConfigureAwait(false);
            }

            PolicyText.Write(ReportConsole.Create(), policies);
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
        Option<string?> className = new("--class") { Description = "The class of Nested QoS that the next three are of.", HelpName = "NAME" };
        (string Key, Option<double?> Option)[] figures =
        [
            ("burst", Number("--burst", "How many units of 4 KiB may come at once", "UNITS", 1, MostUnits)),
            ("rate", Number("--rate", "How many units of 4 KiB a second may come in the long run", "UNITS", 0.001, MostUnits)),
            ("response_ms", Number("--response", "Within how many milliseconds conforming commands are answered", "MS", 0.001, MostMilliseconds)),
        ];
        Option<string?> control = DaemonCommands.Control(DaemonCommands.DefaultTargetSocket);
        TaughtCommand command = new("set", "Changes a tenant's limits, or one of its classes, until the daemon ends.", """
            What is not given stays. Minima that sum up to more than the link has are refused, and so are classes that the capacity does not
            suffice for. Commands that already wait keep their deadlines.

            Examples:
              pcieoe policy set web --egress-min 4000 --ingress-max 2000
              pcieoe policy set web --class gold --burst 60 --rate 3500 --response 4
            """)
        {
            tenant, className, control,
        };
        Array.ForEach([.. limits, .. figures], limit => command.Options.Add(limit.Option));
        command.SetAction(async (parsed, cancellation) =>
        {
            JsonObject? request = parsed.GetValue(className) is { } name
                ? Request(parsed, new() { ["command"] = "class-set", ["tenant"] = parsed.GetValue(tenant), ["class"] = name }, figures, others: limits)
                : Request(parsed, new() { ["command"] = "bandwidth-set", ["tenant"] = parsed.GetValue(tenant) }, limits, others: figures);
            if (request is null)
            {
                await Console.Error.WriteLineAsync(
                    "pcieoe policy set: give at least one limit, such as --egress-min 4000, or a class with at least one of --burst, --rate and --response; not both at once.").ConfigureAwait(false);
                return ExitCode.Usage;
            }

            return await DaemonCommands.AskAsync("policy", parsed.GetValue(control)!, request, null, cancellation).ConfigureAwait(false) is null ? ExitCode.Failure : ExitCode.Success;
        });
        return command;
    }

    /// <summary>The request with what was given; null where nothing was, or something that belongs to another kind of request.</summary>
    private static JsonObject? Request(ParseResult parsed, JsonObject request, (string Key, Option<double?> Option)[] figures, (string Key, Option<double?> Option)[] others)
    {
        int bare = request.Count;
        foreach ((string key, Option<double?> option) in figures)
        {
            if (parsed.GetValue(option) is { } value)
            {
                request[key] = value;
            }
        }

        return request.Count > bare && Array.TrueForAll(others, other => parsed.GetValue(other.Option) is null) ? request : null;
    }

    private static Option<double?> Limit(string name, string description) => Number(name, description + ", Mb/s", "MBPS", 0, MostMegabits);

    private static Option<double?> Number(string name, string description, string helpName, double least, double most)
    {
        Option<double?> option = new(name) { Description = description + ".", HelpName = helpName };
        option.Validators.Add(result =>
        {
            if (result.Tokens.Count > 0 && !(result.GetValueOrDefault<double?>() is { } value && value >= least && value <= most))
            {
                result.AddError(string.Create(CultureInfo.InvariantCulture, $"{name} goes from {least} to {most}."));
            }
        });
        return option;
    }
}
