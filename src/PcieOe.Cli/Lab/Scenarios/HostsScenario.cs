using System.Globalization;
using System.Text.Json.Nodes;
using PcieOe.Cli.Lab.Daemons;
using PcieOe.Cli.Reports;
using PcieOe.Host.Bench;

namespace PcieOe.Cli.Lab.Scenarios;

/// <summary>
/// Several host agents at one target, a function each: do they get equal shares, and does any see another's data? Every host runs a
/// verified load whose blocks carry its name, all at once.
/// </summary>
internal static class HostsScenario
{
    private const int QueueDepth = 16;
    private const double WarmUpSeconds = 0.5;
    private const long MediumBytes = 128L << 20;
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(90);

    internal static async Task<RunReport> RunAsync(LabOptions options, LabFolder folder, ILabProgress progress, CancellationToken cancellation)
    {
        DateTimeOffset started = DateTimeOffset.Now;
        (HostsResult shares, WorkloadResult[] results, JsonObject target) =
            await MeasureAsync(options.Hosts, Math.Max(options.SecondsPerWorkload, 3), folder, progress, cancellation).ConfigureAwait(false);
        return new RunReport
        {
            Started = started,
            Machine = MachineDescription.OfThisMachine(),
            Path = new PathDescription { Topology = "veth + bridge", MaximumTransmissionUnit = PathOptions.Clear.MaximumTransmissionUnit, IsKeyed = true },
            Workloads = results,
            Hosts = shares,
            Status = new JsonObject { ["target"] = target },
            Notes = [$"{options.Hosts} host agents and a target share {Environment.ProcessorCount} cores: latencies are those of programs taking turns."],
        };
    }

    /// <summary>One number of hosts.</summary>
    /// <returns>Their shares, what each of them did, and the target's status.</returns>
    internal static async Task<(HostsResult Shares, WorkloadResult[] Loads, JsonObject Target)> MeasureAsync(
        int count, double seconds, LabFolder folder, ILabProgress progress, CancellationToken cancellation)
    {
        PathOptions path = PathOptions.Clear with { IsKeyed = true, MediumBytes = MediumBytes };
        using StarLab lab = new(count + 1, path.MaximumTransmissionUnit);
        using CancellationTokenRegistration registration = cancellation.Register(lab.EndProcesses);
        string[] keys = [.. Enumerable.Range(0, count).Select(_ => LabConfiguration.NewKey())];
        string number = folder.NextNumber();

        // More pollers than cores: none of them may spin for ever.
        const string polling = "adaptive";
        progress.Begin($"target, {count} host{(count == 1 ? "" : "s")}");
        DaemonProcess target = DaemonProcess.Start(start => lab.Start(0, start), "pcieoe-target", folder.Path,
            LabConfiguration.Target(path, NetworkLab.InterfaceName, Path.Combine(folder.Path, $"t{number}.sock"), null, keys, polling));
        await target.WaitAsync(_ => true, StartLimit, cancellation).ConfigureAwait(false);
        double before = target.MemoryMebibytes;
        DaemonProcess[] hosts = [.. keys.Select((key, index) => DaemonProcess.Start(start => lab.Start(index + 1, start), "pcieoe-host", folder.Path,
            LabConfiguration.Host(path, index, NetworkLab.InterfaceName, Path.Combine(folder.Path, $"h{number}-{index}.sock"), null, key, polling)))];
        for (int i = 0; i < count; i++)
        {
            await hosts[i].WaitAsync(DaemonPair.IsAttached, StartLimit, cancellation).ConfigureAwait(false);
            progress.Report((i + 1.0) / count);
        }

        await RunAllAsync(hosts, WarmUpSeconds, progress, cancellation).ConfigureAwait(false);
        progress.End("attached, warm");
        progress.Begin("verified load, all hosts at once");
        WorkloadResult[] results = await RunAllAsync(hosts, seconds, progress, cancellation).ConfigureAwait(false);
        HostsResult shares = Summarise(results, target.MemoryMebibytes, before);
        progress.End(string.Create(CultureInfo.InvariantCulture,
            $"{shares.TotalCommandsPerSecond:N0} IOPS together, fairness {shares.Fairness:F3}, {shares.ForeignBlocks} blocks of another host"));
        JsonObject status = await target.AskAsync(new JsonObject { ["command"] = "status" }, null, cancellation).ConfigureAwait(false);
        return (shares, results, status);
    }

    private static async Task<WorkloadResult[]> RunAllAsync(DaemonProcess[] hosts, double seconds, ILabProgress progress, CancellationToken cancellation)
    {
        Task<JsonObject>[] loads = [.. hosts.Select((host, index) =>
        {
            BenchRequest request = new() { Pattern = "verify", QueueDepth = QueueDepth, Seconds = seconds, WorkingSetBytes = MediumBytes / 4 };
            return host.AskAsync(request.ToJson($"verify-{host.Name}"), index == 0 ? line => progress.Report(line["progress"]!.GetValue<double>()) : null, cancellation);
        })];
        JsonObject[] answers = await Task.WhenAll(loads).ConfigureAwait(false);
        return [.. answers.Select(BenchRequest.ResultOf)];
    }

    private static HostsResult Summarise(WorkloadResult[] results, double memory, double memoryBefore)
    {
        double sum = results.Sum(result => result.CommandsPerSecond);
        double squares = results.Sum(result => result.CommandsPerSecond * result.CommandsPerSecond);
        return new HostsResult
        {
            Hosts = [.. results.Select((result, index) => new HostShare
            {
                Name = LabConfiguration.HostName(index),
                CommandsPerSecond = result.CommandsPerSecond,
                P50Microseconds = result.Latency.P50Microseconds,
                P99Microseconds = result.Latency.P99Microseconds,
                VerifyErrors = result.VerifyErrors,
            })],
            TotalCommandsPerSecond = Math.Round(sum, 1),
            TotalGigabitsPerSecond = Math.Round(results.Sum(result => result.GigabitsPerSecond), 3),
            Fairness = squares == 0 ? 0 : Math.Round(sum * sum / (results.Length * squares), 4),
            ForeignBlocks = results.Sum(result => result.ForeignUnits),
            TargetMemoryMebibytes = Math.Round(memory, 1),
            TargetMemoryPerHostMebibytes = Math.Round(Math.Max(0, memory - memoryBefore) / results.Length, 2),
        };
    }
}
