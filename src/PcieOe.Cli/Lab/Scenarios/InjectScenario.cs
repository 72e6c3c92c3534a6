using System.Text.Json.Nodes;
using PcieOe.Cli.Lab.Daemons;
using PcieOe.Cli.Reports;
using PcieOe.Host.Bench;
using PcieOe.Protocol.Hops;

namespace PcieOe.Cli.Lab.Scenarios;

/// <summary>
/// Shows that stamps lie where they should: reads at depth 1 as they are, then with time wasted in one hop after another. It must appear
/// in that hop and in no other.
/// </summary>
internal static class InjectScenario
{
    /// <summary>Long enough for some ten thousand commands.</summary>
    private const double LongestSeconds = 1;

    internal static async Task<RunReport> RunAsync(
        LabOptions options, IReadOnlyList<HopDelay> delays, LabFolder folder, ILabProgress progress, CancellationToken cancellation)
    {
        DateTimeOffset started = DateTimeOffset.Now;
        using NetworkLab lab = NetworkLab.Create(PathOptions.Clear.MaximumTransmissionUnit);
        using CancellationTokenRegistration registration = cancellation.Register(lab.EndProcesses);
        progress.Begin("daemons");
        DaemonPair pair = await DaemonPair.StartAsync(lab, folder, PathOptions.Clear, cancellation).ConfigureAwait(false);
        BenchRequest request = CharacterizePlan.WarmUp(options, "randread", 1) with { SampleEvery = 1 };
        await pair.BenchAsync(request, "warm-up", progress.Report, cancellation).ConfigureAwait(false);
        progress.End("attached");
        request = request with { Seconds = Math.Min(options.SecondsPerWorkload, LongestSeconds) };
        List<WorkloadResult> results = [];
        foreach (HopDelay? delay in delays.Cast<HopDelay?>().Prepend(null))
        {
            string name = delay is null ? request.Name : $"{request.Name}+{HopNames.Of(delay.Hop)}";
            progress.Begin(name);
            await pair.InjectAsync(delay, cancellation).ConfigureAwait(false);
            WorkloadResult result = await pair.BenchAsync(request, name, progress.Report, cancellation).ConfigureAwait(false);
            results.Add(result);
            progress.End(CharacterizeScenario.Describe(result));
        }

        JsonObject status = await pair.StatusAsync(cancellation).ConfigureAwait(false);
        pair.End();
        return new RunReport
        {
            Started = started,
            Machine = MachineDescription.OfThisMachine(),
            Path = new PathDescription { MaximumTransmissionUnit = PathOptions.Clear.MaximumTransmissionUnit },
            Workloads = results,
            Status = status,
            Notes = [.. delays.Select(delay => $"{HopNames.Of(delay.Hop)}: {delay.Nanoseconds / 1000.0} us wasted on purpose in the workload whose name ends in +{HopNames.Of(delay.Hop)}.")],
        };
    }
}
