using System.Globalization;
using System.Text.Json.Nodes;
using PcieOe.Cli.Lab.Daemons;
using PcieOe.Cli.Reports;
using PcieOe.Daemon.Control;
using PcieOe.Host.Bench;

namespace PcieOe.Cli.Lab.Scenarios;

/// <summary>
/// Two tenants, one that comes in bursts and a smooth one, on flash that serves 10000 units a second: their traces are replayed by two
/// host agents, first with Nested QoS, then at the same pace first-in first-out. Shorter traces go before.
/// </summary>
internal static class NestedQosScenario
{
    private const double CapacityUnitsPerSecond = 10_000;
    private const double SmoothRate = 3_000;
    private const double BurstyTrickle = 1_200;
    private const int Depth = 1023;

    // A little more than its classes need; the rest is the smooth tenant's, who so catches up quickly after a pause of the target.
    private const double BurstyShare = 4_400;
    private const double LengthInWorkloads = 2.5;
    private const double WarmUpSeconds = 1.5;
    private const long MediumBytes = 64L << 20;
    private const int Seed = 8;
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(90);
    private static readonly string[] Tenants = ["bursty", "smooth"];

    internal static async Task<RunReport> RunAsync(LabOptions options, LabFolder folder, ILabProgress progress, CancellationToken cancellation)
    {
        DateTimeOffset started = DateTimeOffset.Now;
        DaemonProcess.CompileInFull();
        double seconds = LengthInWorkloads * (options.Seconds ?? 2);
        string[] warmUp = WriteTraces(folder, "warm-up-", WarmUpSeconds);
        string[] traces = WriteTraces(folder, string.Empty, seconds);
        Run nested = await RunAsync("deadline", warmUp, traces, folder, progress, cancellation).ConfigureAwait(false);
        Run fifo = await RunAsync("arrival", warmUp, traces, folder, progress, cancellation).ConfigureAwait(false);
        return new RunReport
        {
            Started = started,
            Machine = MachineDescription.OfThisMachine(),
            Path = new PathDescription { Topology = "veth + bridge", MaximumTransmissionUnit = PathOptions.Clear.MaximumTransmissionUnit },
            Workloads = [.. nested.Workloads, .. fifo.Workloads],
            Classes = nested.Classes,
            FifoClasses = fifo.Classes,
            Capacity = nested.Capacity(seconds),
            Status = new JsonObject { ["target"] = nested.Status },
            Notes = ["Classes are judged at the target: from a command's doorbell to its answer in the link's queue. The workloads' latencies are those of the hosts. The daemons compile in full at once."],
        };
    }

    private static string[] WriteTraces(LabFolder folder, string prefix, double seconds)
    {
        string[] paths = [.. Tenants.Select(tenant => Path.Combine(folder.Path, $"{prefix}{tenant}.csv"))];
        File.WriteAllText(paths[0], QosTraces.Bursty(seconds, BurstyTrickle, MediumBytes, Seed));
        File.WriteAllText(paths[1], QosTraces.Smooth(seconds, SmoothRate, MediumBytes, Seed + 1));
        return paths;
    }

    private static async Task<Run> RunAsync(string order, string[] warmUp, string[] traces, LabFolder folder, ILabProgress progress, CancellationToken cancellation)
    {
        string suffix = order == "deadline" ? "nested" : "fifo";
        PathOptions path = PathOptions.Clear with { MediumBytes = MediumBytes };
        using StarLab lab = new(Tenants.Length + 1, path.MaximumTransmissionUnit);
        using CancellationTokenRegistration registration = cancellation.Register(lab.EndProcesses);
        string[] keys = [.. Tenants.Select(_ => LabConfiguration.NewKey())];
        string number = folder.NextNumber();

        // The target has a core of its own where there are two; the hosts, whole, share the other. All sleep when they have nothing to do: who
        // always runs is taken off its core for whole time slices when anything else wants it, who sleeps is let in at once.
        bool hasCores = Environment.ProcessorCount >= 2;
        progress.Begin($"target and hosts, {suffix}");
        JsonObject configuration = LabConfiguration.Target(path, NetworkLab.InterfaceName, Path.Combine(folder.Path, $"t{number}.sock"), hasCores ? 1 : null, keys, "blocking");
        AddPolicy(configuration, order);
        DaemonProcess target = DaemonProcess.Start(start => lab.Start(0, start), "pcieoe-target", folder.Path, configuration);
        await target.WaitAsync(_ => true, StartLimit, cancellation).ConfigureAwait(false);
        DaemonProcess[] hosts = [.. keys.Select((key, index) => DaemonProcess.Start(start => lab.Start(index + 1, start, hasCores ? 0 : null), "pcieoe-host", folder.Path,
            LabConfiguration.Host(path, index, NetworkLab.InterfaceName, Path.Combine(folder.Path, $"h{number}-{index}.sock"), hasCores ? 0 : null, key, "blocking")))];
        foreach (DaemonProcess host in hosts)
        {
            await host.WaitAsync(DaemonPair.IsAttached, StartLimit, cancellation).ConfigureAwait(false);
        }

        progress.End("attached");

        // This process has much to compile while it reads answers: on the target's core that would take it off for whole time slices.
        using ProcessorRestriction ownCore = ProcessorRestriction.OfProcess(hasCores ? 0 : null);
        progress.Begin($"warm-up, {suffix}");
        await ReplayAsync(hosts, warmUp, suffix, progress, cancellation).ConfigureAwait(false);
        await target.AskAsync(new JsonObject { ["command"] = "qos-reset" }, null, cancellation).ConfigureAwait(false);
        progress.End("done");
        progress.Begin($"two traces at once, {suffix}");
        JsonObject[] answers = await ReplayAsync(hosts, traces, suffix, progress, cancellation).ConfigureAwait(false);
        JsonObject status = await target.AskAsync(new JsonObject { ["command"] = "status" }, null, cancellation).ConfigureAwait(false);
        Run run = new([.. answers.Select(BenchRequest.ResultOf)], status);
        progress.End(string.Create(CultureInfo.InvariantCulture, $"of the tightest class {run.Classes.Where(member => member.DeadlineMilliseconds == 5).Max(member => member.MissedShare):P2} late"));
        return run;
    }

    private static Task<JsonObject[]> ReplayAsync(DaemonProcess[] hosts, string[] traces, string suffix, ILabProgress progress, CancellationToken cancellation) =>
        Task.WhenAll(traces.Select((trace, index) =>
        {
            BenchRequest request = new() { Pattern = "replay", ReplayPath = trace, QueueDepth = Depth };
            return hosts[index].AskAsync(request.ToJson($"{request.Name}-{suffix}"), index == 0 ? line => progress.Report(line.Number("progress", 0)) : null, cancellation);
        }));

    private static void AddPolicy(JsonObject configuration, string order)
    {
        foreach ((JsonNode? host, string tenant) in configuration["hosts"]!.AsArray().Zip(Tenants))
        {
            host!["tenant"] = tenant;
        }

        configuration["nestedQos"] = new JsonObject
        {
            ["capacityIops"] = CapacityUnitsPerSecond,
            ["order"] = order,
            ["tenants"] = new JsonArray(
                new JsonObject
                {
                    ["name"] = Tenants[0],
                    ["weight"] = BurstyShare,
                    ["classes"] = new JsonArray(Class("gold", 16, 1250, 5), Class("silver", 45, 2000, 20), Class("bronze", 80, 3500, 100)),
                },
                new JsonObject
                {
                    ["name"] = Tenants[1],
                    ["weight"] = CapacityUnitsPerSecond - BurstyShare,
                    ["classes"] = new JsonArray(Class("gold", 15, 3200, 5)),
                }),
        };
    }

    private static JsonObject Class(string name, int burst, int rate, int responseMilliseconds) =>
        new() { ["name"] = name, ["burst"] = burst, ["rate"] = rate, ["responseMilliseconds"] = responseMilliseconds };

    /// <summary>What one of the two runs gave.</summary>
    private sealed class Run(WorkloadResult[] workloads, JsonObject status)
    {
        private readonly JsonObject[] _tenants = [.. status["nested_qos"]!["tenants"]!.AsArray().Select(tenant => tenant!.AsObject()).Where(tenant => Tenants.Contains(tenant.Text("name")))];

        internal WorkloadResult[] Workloads => workloads;

        internal JsonObject Status => status;

        internal ClassResult[] Classes => [.. from tenant in _tenants
                                              from member in tenant["classes"]!.AsArray()
                                              select ResultOf(tenant.Text("name")!, member!.AsObject())];

        internal CapacityResult Capacity(double seconds)
        {
            double offered = _tenants.SelectMany(tenant => tenant["classes"]!.AsArray()).Sum(member => member!["units"]!.GetValue<double>()) / seconds;
            double nested = _tenants.Sum(tenant => tenant.Number("needed_iops", 0));
            double single = _tenants.Sum(tenant => tenant.Number("single_class_iops", 0));
            return new CapacityResult
            {
                UnitsPerSecond = CapacityUnitsPerSecond,
                OfferedUnitsPerSecond = Math.Round(offered, 1),
                Load = Math.Round(offered / CapacityUnitsPerSecond, 4),
                NestedUnitsPerSecond = nested,
                SingleClassUnitsPerSecond = single,
                Ratio = Math.Round(nested / single, 4),
            };
        }

        private static ClassResult ResultOf(string tenant, JsonObject member) => new()
        {
            Tenant = tenant,
            Class = member.Text("name")!,
            Arrivals = (long)member.Number("arrivals", 0),
            Share = member.Number("share", 0),
            DeadlineMilliseconds = member["deadline_ms"]?.GetValue<double>(),
            Met = (long)member.Number("met", 0),
            Missed = (long)member.Number("missed", 0),
            P50Milliseconds = Milliseconds(member, "p50"),
            P99Milliseconds = Milliseconds(member, "p99"),
            MaximumMilliseconds = Milliseconds(member, "max"),
        };

        private static double Milliseconds(JsonObject member, string figure) =>
            member["response_us"]?[figure] is { } value ? Math.Round(value.GetValue<double>() / 1000, 4) : 0;
    }
}
