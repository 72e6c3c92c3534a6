using System.Globalization;
using System.Text.Json.Nodes;
using PcieOe.Cli.Lab.Daemons;
using PcieOe.Cli.Plans;
using PcieOe.Cli.Reports;
using PcieOe.Host.Bench;

namespace PcieOe.Cli.Lab.Scenarios;

/// <summary>The lab's main job: the raw port's floor, then every workload of the plan on its path, then the floor once more.</summary>
internal static class CharacterizeScenario
{
    private const int MostWarmUps = 8;
    private const int WarmUpsWithoutGain = 3;
    private const double LeastGain = 1.04;

    internal static async Task<RunReport> RunAsync(LabOptions options, LabFolder folder, ILabProgress progress, CancellationToken cancellation)
    {
        DateTimeOffset started = DateTimeOffset.Now;
        using NetworkLab lab = NetworkLab.Create(PathOptions.Clear.MaximumTransmissionUnit);
        using CancellationTokenRegistration registration = cancellation.Register(lab.EndProcesses);
        FloorProbe floor = new(PathOptions.Clear.MaximumTransmissionUnit);
        await MeasureFloorAsync(floor, lab, progress, cancellation).ConfigureAwait(false);
        List<WorkloadResult> results = [];
        List<string> notes = Environment.ProcessorCount >= 2
            ? []
            : ["This machine has one processor: both daemons share it, so every figure is that of two programs taking turns."];
        JsonObject? status = null;
        foreach (PlanPath planned in options.Plan.Paths)
        {
            PathOptions path = planned.ToOptions();
            SetMtu(lab, path.MaximumTransmissionUnit);
            progress.Begin($"daemons{path.Suffix}");
            DaemonPair pair = await DaemonPair.StartAsync(lab, folder, path, cancellation).ConfigureAwait(false);
            await PrepareAsync(pair, options, progress, cancellation).ConfigureAwait(false);
            progress.End("attached, working set written");
            WorkloadSequence sequence = new((request, name) => pair.BenchAsync(request, name, progress.Report, cancellation), progress);
            await sequence.RunAsync(path, PlannedWorkload.Of(options.Plan, planned, options.Seconds), results).ConfigureAwait(false);
            notes.AddRange(sequence.Notes);
            status ??= await pair.StatusAsync(cancellation).ConfigureAwait(false);
            pair.End();
        }

        SetMtu(lab, PathOptions.Clear.MaximumTransmissionUnit);
        await MeasureFloorAsync(floor, lab, progress, cancellation).ConfigureAwait(false);
        List<HostsResult> scaling = [];
        foreach (int hosts in options.Plan.Hosts)
        {
            (HostsResult shares, _, _) = await HostsScenario.MeasureAsync(hosts, options.SecondsPerWorkload, folder, progress, cancellation).ConfigureAwait(false);
            scaling.Add(shares);
        }

        return new RunReport
        {
            Started = started,
            Machine = MachineDescription.OfThisMachine(),
            Path = new PathDescription { MaximumTransmissionUnit = PathOptions.Clear.MaximumTransmissionUnit },
            Floor = floor.Result(),
            Workloads = results,
            HostsScaling = scaling.Count == 0 ? null : scaling,
            Status = status,
            Notes = notes,
        };
    }

    /// <summary>Writes the working set, and runs until the code is compiled for speed.</summary>
    internal static async Task PrepareAsync(DaemonPair pair, LabOptions options, ILabProgress progress, CancellationToken cancellation)
    {
        await pair.BenchAsync(CharacterizePlan.Fill(options), "warm-up", null, cancellation).ConfigureAwait(false);
        (string Pattern, int Depth)[] kinds = [("randread", 32), ("randwrite", 32), ("randread", 1)];
        for (int i = 0; i < kinds.Length; i++)
        {
            progress.Report((i + 1.0) / (kinds.Length + 1));
            await WarmUpAsync(pair, CharacterizePlan.WarmUp(options, kinds[i].Pattern, kinds[i].Depth), cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>Until it becomes no faster: the runtime compiles what is used much anew, while the code runs, for some seconds.</summary>
    private static async Task WarmUpAsync(DaemonPair pair, BenchRequest request, CancellationToken cancellation)
    {
        double fastest = 0;
        int noFaster = 0;
        for (int i = 0; i < MostWarmUps && noFaster < WarmUpsWithoutGain; i++)
        {
            WorkloadResult result = await pair.BenchAsync(request, "warm-up", null, cancellation).ConfigureAwait(false);
            noFaster = result.CommandsPerSecond < fastest * LeastGain ? noFaster + 1 : 0;
            fastest = Math.Max(fastest, result.CommandsPerSecond);
        }
    }

    internal static string Describe(WorkloadResult result)
    {
        string faults = result.Errors + result.VerifyErrors == 0 ? "" : $"  FAILED {result.Errors}, WRONG {result.VerifyErrors}";
        return string.Create(CultureInfo.InvariantCulture,
            $"{result.CommandsPerSecond:N0} IOPS, {result.GigabitsPerSecond:F2} Gb/s, p50 {result.Latency.P50Microseconds:F1} us, p99 {result.Latency.P99Microseconds:F1} us{faults}");
    }

    private static async Task MeasureFloorAsync(FloorProbe floor, NetworkLab lab, ILabProgress progress, CancellationToken cancellation)
    {
        progress.Begin("floor of the raw port");
        await Task.Run(() => floor.Measure(lab, progress, cancellation), cancellation).ConfigureAwait(false);
        FloorResult result = floor.Result();
        progress.End(string.Create(CultureInfo.InvariantCulture,
            $"64 B {result.RoundTrip64.P50Microseconds:F1} us, 64 B to 4 KiB {result.RoundTrip64To4096.P50Microseconds:F1} us, flood {result.FloodGigabitsPerSecond:F2} Gb/s"));
    }

    private static void SetMtu(NetworkLab lab, int mtu)
    {
        lab.First.Run(() => RouteNetlink.SetMtu(NetworkLab.InterfaceName, mtu));
        lab.Second.Run(() => RouteNetlink.SetMtu(NetworkLab.InterfaceName, mtu));
    }
}
