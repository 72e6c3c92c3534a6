using System.CommandLine;
using PcieOe.Cli.Lab;
using PcieOe.Cli.Lab.Daemons;
using PcieOe.Cli.Lab.Scenarios;
using PcieOe.Cli.Reports;
using PcieOe.Daemon.Configuration;
using PcieOe.Daemon.Workers;
using PcieOe.Protocol.Hops;

namespace PcieOe.Cli.Commands;

/// <summary><c>pcieoe lab</c>: two boxes and a cable on one machine, and the whole path characterised.</summary>
internal static class LabCommand
{
    internal static Command Create()
    {
        Option<string> scenario = new("--scenario") { Description = "What to show: characterize, outage, hosts, nested-qos, gatekeeper, policy-overhead.", DefaultValueFactory = _ => "characterize", HelpName = "NAME" };
        scenario.AcceptOnlyFromAmong("characterize", "outage", "hosts", "nested-qos", "gatekeeper", "policy-overhead");
        PlanOptions plan = new();
        ReportOutput output = new();
        Option<int> hosts = CommonOptions.Integer("--hosts", "Host agents in the scenario 'hosts'", 4, 1, 32);
        Option<string> port = new("--port") { Description = "packet: raw Ethernet between namespaces; memory: both daemons in this process; sharppcap: as packet, through libpcap (where built in).", DefaultValueFactory = _ => "packet", HelpName = "KIND" };
        port.AcceptOnlyFromAmong("packet", "memory", "sharppcap");
        Option<string?> inject = new("--inject") { Description = "Wastes time in a hop ('policy-wait=50us', 'all=50us'): shows reads at depth 1 without and with it.", HelpName = "HOP=TIME" };
        inject.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<string?>() is { } text && !HopDelay.TryParse(text, out _))
            {
                result.AddError($"--inject is HOP=TIME, such as policy-wait=50us, up to 1000us. Hops: {string.Join(", ", HopNames.All)}; or all, one after another.");
            }
        });
        TaughtCommand command = new("lab", "Sets up a target and a host on this machine, joins them by virtual Ethernet, and characterises the path.", """
            Two network namespaces and a virtual cable stand for two boxes. A target daemon serves a flash function in one, a host agent
            attaches it in the other, and the built-in NVMe driver loads it. The raw port is measured on the same cable in the same run:
            it is the floor that everything else is compared with. Takes root, or a kernel that lets users have namespaces of their own;
            without either both daemons run in this process, joined by memory. Everything that it makes goes away with it.

            Examples:
              pcieoe lab
              pcieoe lab --seconds 5 --json run.json --html run.html
              pcieoe lab --print-plan > plan.json        edit it, then: pcieoe lab --plan plan.json
              pcieoe lab --scenario outage               cable cut and target killed under verified load
              pcieoe lab --scenario hosts --hosts 8      several hosts, one target
              pcieoe lab --inject target-rx=50us         the stamps' own test: 50 us must appear in that hop alone
              pcieoe lab --scenario nested-qos           response times for bursts, beside first-in first-out
              pcieoe lab --scenario gatekeeper           bandwidth guarantees beside a greedy tenant
              pcieoe lab --scenario policy-overhead      what either policy costs a tenant that is alone
            """)
        {
            scenario, hosts, port, inject,
        };
        plan.AddTo(command);
        output.AddTo(command);
        command.SetAction(async (parsed, cancellation) =>
        {
            if (plan.Print(parsed))
            {
                return ExitCode.Success;
            }

            // What the others show is on the wire, or in several processes.
            bool needsNetwork = parsed.GetValue(scenario) != "characterize" || parsed.GetValue(inject) is not null;
            if (needsNetwork && parsed.GetValue(port) == "memory")
            {
                throw new LabException("--port memory is for the scenario 'characterize' alone, without --inject.");
            }

            LabOptions options = new()
            {
                Plan = plan.Load(parsed),
                Seconds = plan.Seconds(parsed),
                Hosts = parsed.GetValue(hosts),
                InMemory = parsed.GetValue(port) == "memory" || !MayUseNamespaces(parsed, needsNetwork),
            };
            if (parsed.GetValue(port) == "sharppcap")
            {
                // The daemons hear of it as of any setting from outside their configuration.
                Environment.SetEnvironmentVariable($"{DaemonConfiguration.EnvironmentPrefix}PORT__KIND", PortOpener.SharpPcapMissing is { } missing ? throw new LabException(missing) : "sharppcap");
            }

            using LabFolder folder = new();
            ConsoleLabProgress progress = new();
            RunReport report = parsed.GetValue(scenario) switch
            {
                _ when parsed.GetValue(inject) is { } text && HopDelay.TryParse(text, out IReadOnlyList<HopDelay> delays) =>
                    await InjectScenario.RunAsync(options, delays, folder, progress, cancellation).ConfigureAwait(false),
                "outage" => await OutageScenario.RunAsync(options, folder, progress, cancellation).ConfigureAwait(false),
                "hosts" => await HostsScenario.RunAsync(options, folder, progress, cancellation).ConfigureAwait(false),
                "nested-qos" => await NestedQosScenario.RunAsync(options, folder, progress, cancellation).ConfigureAwait(false),
                "gatekeeper" => await GatekeeperScenario.RunAsync(options, folder, progress, cancellation).ConfigureAwait(false),
                "policy-overhead" => await PolicyOverheadScenario.RunAsync(options, folder, progress, cancellation).ConfigureAwait(false),
                _ when options.InMemory => await MemoryScenario.RunAsync(options, folder, progress, cancellation).ConfigureAwait(false),
                _ => await CharacterizeScenario.RunAsync(options, folder, progress, cancellation).ConfigureAwait(false),
            };
            Console.WriteLine();
            output.Write(parsed, report);
            return report.IsFaultless ? ExitCode.Success : ExitCode.Failure;
        });
        return command;
    }

    /// <exception cref="LabException">It may not, and it is of no use without.</exception>
    private static bool MayUseNamespaces(ParseResult parsed, bool needsNetwork)
    {
        try
        {
            UserNamespace.EnterIfNeeded([.. parsed.Tokens.Select(token => token.Value)]);
            return true;
        }
        catch (LabException exception) when (!needsNetwork)
        {
            Console.Error.WriteLine($"pcieoe lab: {exception.Message}");
            Console.Error.WriteLine("pcieoe lab: going on without a network: both daemons in this process, joined by memory. These figures are not those of Ethernet.");
            return false;
        }
    }
}
