using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging.Abstractions;
using PcieOe.Cli.Lab.Daemons;
using PcieOe.Cli.Plans;
using PcieOe.Cli.Reports;
using PcieOe.Daemon.Configuration;
using PcieOe.Daemon.Control;
using PcieOe.Host;
using PcieOe.Host.Bench;
using PcieOe.Host.Configuration;
using PcieOe.Target;
using PcieOe.Target.Configuration;
using PcieOe.Transport.Ports.Memory;

namespace PcieOe.Cli.Lab.Scenarios;

/// <summary>The lab where no network may be made: both daemons in this process, joined by memory, with the same workloads.</summary>
internal static class MemoryScenario
{
    private static readonly TimeSpan AttachLimit = TimeSpan.FromSeconds(20);

    internal static async Task<RunReport> RunAsync(LabOptions options, LabFolder folder, ILabProgress progress, CancellationToken cancellation)
    {
        DateTimeOffset started = DateTimeOffset.Now;
        List<WorkloadResult> results = [];
        List<string> notes = ["Both daemons ran in one process, joined by memory: no Ethernet, so no floor to compare with."];
        foreach (PlanPath path in options.Plan.Paths)
        {
            await RunPathAsync(path.ToOptions(), PlannedWorkload.Of(options.Plan, path, options.Seconds), options, folder, results, notes, progress, cancellation).ConfigureAwait(false);
        }

        return new RunReport
        {
            Started = started,
            Machine = MachineDescription.OfThisMachine(),
            Path = new PathDescription { Port = "memory", Topology = "one process", MaximumTransmissionUnit = PathOptions.Clear.MaximumTransmissionUnit },
            Workloads = results,
            Notes = notes,
        };
    }

    private static async Task RunPathAsync(
        PathOptions path, IReadOnlyList<PlannedWorkload> workloads, LabOptions options, LabFolder folder, List<WorkloadResult> results, List<string> notes, ILabProgress progress, CancellationToken cancellation)
    {
        progress.Begin($"daemons{path.Suffix}");
        using InMemoryHub hub = new(new InMemoryHubOptions { MaximumTransmissionUnit = path.MaximumTransmissionUnit });
        string number = folder.NextNumber(), key = LabConfiguration.NewKey();
        string targetSocket = Path.Combine(folder.Path, $"t{number}.sock"), hostSocket = Path.Combine(folder.Path, $"h{number}.sock");
        JsonObject targetJson = LabConfiguration.Target(path, "memory", targetSocket, null, [key], LabOptions.Polling);
        JsonObject hostJson = LabConfiguration.Host(path, 0, "memory", hostSocket, null, key, LabOptions.Polling);
        TargetDaemon target = new(Read(targetJson, TargetOptions.Read), NullLoggerFactory.Instance, () => hub.Ports[0]);
        await using ConfiguredAsyncDisposable disposingTarget = target.ConfigureAwait(false);
        await target.StartAsync(cancellation).ConfigureAwait(false);
        HostDaemon host = new(Read(hostJson, HostOptions.Read), NullLoggerFactory.Instance, () => hub.Ports[1]);
        await using ConfiguredAsyncDisposable disposingHost = host.ConfigureAwait(false);
        await host.StartAsync(cancellation).ConfigureAwait(false);
        await WaitAsync(hostSocket, cancellation).ConfigureAwait(false);
        async Task<WorkloadResult> BenchAsync(BenchRequest request, string name)
        {
            JsonObject answer = await ControlClient.AskAsync(hostSocket, request.ToJson(name), line => progress.Report(line.Number("progress", 0)), cancellation).ConfigureAwait(false);
            return answer.Flag("ok", false) ? BenchRequest.ResultOf(answer) : throw new LabException(answer.Text("error") ?? "The host agent gave no answer.");
        }

        await BenchAsync(CharacterizePlan.Fill(options), "fill").ConfigureAwait(false);
        await BenchAsync(CharacterizePlan.WarmUp(options, "randread", 32), "warm-up").ConfigureAwait(false);
        progress.End("attached, working set written");
        WorkloadSequence sequence = new(BenchAsync, progress);
        await sequence.RunAsync(path, workloads, results).ConfigureAwait(false);
        notes.AddRange(sequence.Notes);
        await host.StopAsync().ConfigureAwait(false);
        await target.StopAsync().ConfigureAwait(false);
    }

    private static T Read<T>(JsonObject configuration, Func<ConfigurationReader, T> read)
    {
        using MemoryStream stream = new(System.Text.Encoding.UTF8.GetBytes(configuration.ToJsonString()));
        ConfigurationReader reader = new(new ConfigurationBuilder().AddJsonStream(stream).Build());
        T options = read(reader);
        reader.Text("logLevel");
        IReadOnlyList<ConfigurationProblem> problems = reader.Finish();
        return problems.Count == 0 ? options : throw new LabException($"The lab's own configuration is wrong: {problems[0]}");
    }

    private static async Task WaitAsync(string hostSocket, CancellationToken cancellation)
    {
        DateTime end = DateTime.UtcNow + AttachLimit;
        while (!DaemonPair.IsAttached(await ControlClient.AskAsync(hostSocket, new JsonObject { ["command"] = "status" }, null, cancellation).ConfigureAwait(false)))
        {
            if (DateTime.UtcNow > end)
            {
                throw new LabException($"The host did not attach within {AttachLimit.TotalSeconds:F0} s.");
            }

            await Task.Delay(20, cancellation).ConfigureAwait(false);
        }
    }
}
