using PcieOe.Cli.Lab.Daemons;
using PcieOe.Cli.Plans;
using PcieOe.Host.Bench;

namespace PcieOe.Cli.Lab.Scenarios;

/// <summary>Runs the workloads of a plan's path one after another, on whatever pair of daemons.</summary>
/// <param name="bench">Runs one, under a name.</param>
internal sealed class WorkloadSequence(Func<BenchRequest, string, Task<WorkloadResult>> bench, ILabProgress progress)
{
    /// <summary>What a reader of the results should know: which single TLPs this path does not have.</summary>
    internal List<string> Notes { get; } = [];

    /// <param name="path">Adds its name to those of the workloads.</param>
    /// <param name="results">Where their results go.</param>
    internal async Task RunAsync(PathOptions path, IReadOnlyList<PlannedWorkload> workloads, List<WorkloadResult> results)
    {
        int first = results.Count;
        foreach (PlannedWorkload workload in workloads)
        {
            BenchRequest request = workload.Request;
            if (workload.LoadPercent is { } percent)
            {
                double most = ClosedLoopRate(request, results.Skip(first)) ?? await RunAsync(request, request.Name + path.Suffix, path, results).ConfigureAwait(false);
                request = request with { RatePerSecond = Math.Round(most * percent / 100) };
            }

            try
            {
                await RunAsync(request, workload.Name + path.Suffix, path, results).ConfigureAwait(false);
            }
            catch (LabException exception) when (request.IsSingleTlps)
            {
                // A smaller MTU, or no memory buffer: what the path has is measured all the same.
                progress.End("not on this path");
                Notes.Add($"{workload.Name + path.Suffix} was not measured: {exception.Message}");
            }
        }
    }

    /// <returns>Commands a second.</returns>
    private async Task<double> RunAsync(BenchRequest request, string name, PathOptions path, List<WorkloadResult> results)
    {
        progress.Begin(name);
        WorkloadResult result = await bench(request, name).ConfigureAwait(false);
        results.Add(result with { Variant = path.Variant });
        progress.End(CharacterizeScenario.Describe(result));
        return result.CommandsPerSecond;
    }

    private static double? ClosedLoopRate(BenchRequest request, IEnumerable<WorkloadResult> results) => results.LastOrDefault(result =>
        result.RatePerSecond is null && result.Pattern == request.Pattern && result.BlockBytes == request.BlockBytes && result.QueueDepth == request.QueueDepth
        && (result.ReadPercent ?? request.ReadPercent) == request.ReadPercent)?.CommandsPerSecond;
}
