using System.Globalization;
using PcieOe.Cli.Lab.Daemons;

namespace PcieOe.Cli.Plans;

/// <summary>One workload out of a plan: what to ask of the host agent, once its rate is known.</summary>
/// <param name="LoadPercent">Open loop: its rate is so much of what <paramref name="Request"/> reaches in a closed loop; null: the request says all.</param>
internal sealed record PlannedWorkload(BenchRequest Request, double? LoadPercent)
{
    /// <summary>From this depth on there are commands enough that fewer samples tell as much.</summary>
    private const int DeepQueue = 32;

    /// <summary>What reports call it: stable from run to run, so that 'diff' finds it again.</summary>
    internal string Name => LoadPercent is { } percent ? string.Create(CultureInfo.InvariantCulture, $"{Request.Name}-load{percent:0.##}") : Request.Name;

    /// <param name="seconds">How long, instead of what the plan says; null: as it says.</param>
    internal static IReadOnlyList<PlannedWorkload> Of(Plan plan, PlanPath path, double? seconds) => [.. path.Workloads.SelectMany(workload => Of(plan, workload, seconds))];

    private static IEnumerable<PlannedWorkload> Of(Plan plan, PlanWorkload workload, double? seconds) =>
        from pattern in workload.Patterns
        from size in workload.BlockSizes
        from readPercent in pattern == "randrw" ? workload.ReadPercents : [BenchRequest.DefaultReadPercent]
        from depth in workload.QueueDepths
        let bytes = BlockSize.TryParse(size, out long value) ? (int)value : 0
        let request = new BenchRequest
        {
            Pattern = pattern,
            BlockBytes = bytes,
            QueueDepth = depth,
            ReadPercent = readPercent,
            Seconds = seconds ?? workload.Seconds ?? plan.Seconds,
            WorkingSetBytes = plan.WorkingSetBytes,
            SampleEvery = depth >= DeepQueue ? LabConfiguration.SampleEveryWhenDeep : null,
        }
        from open in OpenLoops(workload, request)
        select open;

    private static IEnumerable<PlannedWorkload> OpenLoops(PlanWorkload workload, BenchRequest request)
    {
        bool isPoisson = workload.Arrivals == "poisson";
        if (workload.LoadPercents.Count > 0)
        {
            return workload.LoadPercents.Select(percent => new PlannedWorkload(request with { IsPoisson = isPoisson }, percent));
        }

        return workload.Rates.Count > 0
            ? workload.Rates.Select(rate => new PlannedWorkload(request with { RatePerSecond = rate, IsPoisson = isPoisson }, null))
            : [new PlannedWorkload(request, null)];
    }
}
