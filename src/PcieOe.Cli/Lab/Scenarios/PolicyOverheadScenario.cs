using System.Globalization;
using System.Text.Json.Nodes;
using PcieOe.Cli.Lab.Daemons;
using PcieOe.Cli.Reports;
using PcieOe.Host.Bench;

namespace PcieOe.Cli.Lab.Scenarios;

/// <summary>
/// What the policies cost: three pairs of daemons on cables of their own, without a policy, with Nested QoS for one tenant of one class,
/// and with Gatekeeper in both daemons. They are loaded in turns, a different one first in each round; those that wait sleep.
/// </summary>
internal static class PolicyOverheadScenario
{
    private const int Sets = 4;
    private const int RoundsOfSet = 6;
    private const double WarmUpSeconds = 1;
    private const double ShortestSeconds = 0.4;
    private const double LongestSeconds = 1;
    private const int Depth = 32;

    // The longest sleep of a pair that waits is beyond the measurement, and polling is what a single pair would do.
    private const string Polling = "adaptive";

    private static readonly (string? Policy, JsonObject Target, JsonObject Host)[] Variants =
    [
        (null, [], []),
        ("nested-qos", new JsonObject
        {
            ["nestedQos"] = new JsonObject
            {
                ["tenants"] = new JsonArray(new JsonObject
                {
                    ["name"] = LabConfiguration.HostName(0),
                    ["classes"] = new JsonArray(new JsonObject { ["name"] = "only", ["burst"] = 100_000, ["rate"] = 10_000_000, ["responseMilliseconds"] = 100 }),
                }),
            },
        }, []),
        ("gatekeeper", Gatekeeper(LabConfiguration.HostName(0)), Gatekeeper(LabConfiguration.FunctionName(0))),
    ];

    internal static async Task<RunReport> RunAsync(LabOptions options, LabFolder folder, ILabProgress progress, CancellationToken cancellation)
    {
        DateTimeOffset started = DateTimeOffset.Now;
        Measurement[] measurements = [.. Variants.Select(_ => new Measurement())];
        for (int set = 0; set < Sets; set++)
        {
            await MeasureSetAsync(options, folder, measurements, $"set {set + 1} of {Sets}", progress, cancellation).ConfigureAwait(false);
        }

        return new RunReport
        {
            Started = started,
            Machine = MachineDescription.OfThisMachine(),
            Path = new PathDescription { MaximumTransmissionUnit = PathOptions.Clear.MaximumTransmissionUnit },
            Workloads = [.. measurements.SelectMany(measurement => (WorkloadResult[])[measurement.Deep[^1], measurement.Single[^1]])],
            PolicyOverheads = [.. measurements.Skip(1).Zip(Variants.Skip(1), (measurement, variant) => measurement.Against(measurements[0], variant.Policy!))],
            Notes = [$"{Sets} sets of daemons, {RoundsOfSet} rounds with each. The workloads shown are those of the last round."],
        };
    }

    /// <summary>A set of daemons is started anew, since no two processes come to run their code equally fast.</summary>
    private static async Task MeasureSetAsync(
        LabOptions options, LabFolder folder, Measurement[] measurements, string name, ILabProgress progress, CancellationToken cancellation)
    {
        List<NetworkLab> labs = [];
        using CancellationTokenRegistration registration = cancellation.Register(() => labs.ForEach(lab => lab.EndProcesses()));
        try
        {
            progress.Begin($"{name}: start and warm-up");
            List<DaemonPair> pairs = [];
            foreach ((_, JsonObject target, JsonObject host) in Variants)
            {
                labs.Add(NetworkLab.Create(PathOptions.Clear.MaximumTransmissionUnit));
                PathOptions path = PathOptions.Clear with { Polling = Polling, TargetSections = target, HostSections = host };
                pairs.Add(await DaemonPair.StartAsync(labs[^1], folder, path, cancellation).ConfigureAwait(false));
            }

            BenchRequest deep = CharacterizePlan.WarmUp(options, "randread", Depth) with { Seconds = WarmUpSeconds };
            foreach (DaemonPair pair in pairs)
            {
                await pair.BenchAsync(CharacterizePlan.Fill(options), "fill", null, cancellation).ConfigureAwait(false);
                await pair.BenchAsync(deep, "warm-up", null, cancellation).ConfigureAwait(false);
                await pair.BenchAsync(deep with { QueueDepth = 1 }, "warm-up", null, cancellation).ConfigureAwait(false);
            }

            progress.End("media written");
            progress.Begin($"{name}: {RoundsOfSet} rounds in turns");
            await MeasureAsync(pairs, deep with { Seconds = Math.Clamp(options.SecondsPerWorkload, ShortestSeconds, LongestSeconds) }, measurements, progress, cancellation).ConfigureAwait(false);
            progress.End(string.Create(CultureInfo.InvariantCulture, $"{measurements[0].Single[^1].Latency.P50Microseconds:F1} us at depth 1 without a policy"));
        }
        finally
        {
            labs.ForEach(lab => lab.Dispose());
        }
    }

    private static async Task MeasureAsync(List<DaemonPair> pairs, BenchRequest deep, Measurement[] measurements, ILabProgress progress, CancellationToken cancellation)
    {
        (BenchRequest Request, Func<Measurement, List<WorkloadResult>> Results)[] workloads =
            [(deep, measurement => measurement.Deep), (deep with { QueueDepth = 1 }, measurement => measurement.Single)];
        for (int round = 0; round < RoundsOfSet; round++)
        {
            progress.Report(round / (double)RoundsOfSet);
            foreach ((BenchRequest request, Func<Measurement, List<WorkloadResult>> results) in workloads)
            {
                for (int turn = 0; turn < pairs.Count; turn++)
                {
                    int index = (round + turn) % pairs.Count;
                    string name = $"{request.Name}-{Variants[index].Policy ?? "absent"}";
                    results(measurements[index]).Add(await pairs[index].BenchAsync(request, name, null, cancellation).ConfigureAwait(false));
                }
            }
        }
    }

    private static JsonObject Gatekeeper(string tenant) => new()
    {
        ["gatekeeper"] = new JsonObject
        {
            // Far above what the path does: the policy decides, and never has reason to hold back.
            ["linkMbps"] = 400_000,
            ["tenants"] = new JsonArray(new JsonObject
            {
                ["name"] = tenant,
                ["egress"] = new JsonObject { ["minMbps"] = 100_000 },
                ["ingress"] = new JsonObject { ["minMbps"] = 100_000 },
            }),
        },
    };

    /// <summary>One pair's rounds.</summary>
    private sealed class Measurement
    {
        internal List<WorkloadResult> Deep { get; } = [];

        internal List<WorkloadResult> Single { get; } = [];

        internal PolicyOverheadResult Against(Measurement absent, string policy) => new()
        {
            Policy = policy,
            Rounds = Sets * RoundsOfSet,
            ThroughputPercent = MedianResult.Of(Deep.Zip(absent.Deep, (with, without) => 100 * (1 - with.CommandsPerSecond / without.CommandsPerSecond))),
            Depth1Microseconds = MedianResult.Of(Single.Zip(absent.Single, (with, without) => with.Latency.P50Microseconds - without.Latency.P50Microseconds)),
        };
    }
}
