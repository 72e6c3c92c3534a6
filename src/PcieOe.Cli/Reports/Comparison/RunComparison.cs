using PcieOe.Host.Bench;
using PcieOe.Transport.Hops;

namespace PcieOe.Cli.Reports.Comparison;

/// <summary>Two runs side by side, workload by workload of the same name.</summary>
internal sealed class RunComparison
{
    private const double DeviationsOfNoise = 2;

    private RunComparison(IReadOnlyList<Figure> figures, IReadOnlyList<string> unmatched)
    {
        Figures = figures;
        Unmatched = unmatched;
    }

    internal IReadOnlyList<Figure> Figures { get; }

    /// <summary>Workloads that only one of the runs has.</summary>
    internal IReadOnlyList<string> Unmatched { get; }

    internal bool HasRegression => Figures.Any(figure => figure.Verdict == Verdict.Worse);

    /// <param name="thresholdPercent">A change up to this is none.</param>
    internal static RunComparison Of(RunReport before, RunReport after, double thresholdPercent)
    {
        List<Figure> figures = [];
        if (before.Floor is { } floor && after.Floor is { } other)
        {
            figures.Add(Judge("(raw port)", "p50_us", floor.RoundTrip64To4096.P50Microseconds, other.RoundTrip64To4096.P50Microseconds, 0, thresholdPercent, isMoreBetter: false) with { Verdict = Verdict.Same });
            figures.Add(Judge("(raw port)", "gbps", floor.FloodGigabitsPerSecond, other.FloodGigabitsPerSecond, 0, thresholdPercent, isMoreBetter: true) with { Verdict = Verdict.Same });
        }

        foreach (WorkloadResult first in before.Workloads)
        {
            if (after.Workloads.FirstOrDefault(workload => workload.Name == first.Name) is { } second)
            {
                Compare(figures, first, second, thresholdPercent);
            }
        }

        IEnumerable<string> names = before.Workloads.Select(workload => workload.Name), others = after.Workloads.Select(workload => workload.Name);
        return new RunComparison(figures, [.. names.Except(others).Concat(others.Except(names))]);
    }

    private static void Compare(List<Figure> figures, WorkloadResult before, WorkloadResult after, double thresholdPercent)
    {
        long faultsBefore = before.Errors + before.VerifyErrors, faultsAfter = after.Errors + after.VerifyErrors;
        if (faultsBefore + faultsAfter > 0)
        {
            figures.Add(new Figure(before.Name, "faults", faultsBefore, faultsAfter, 0, faultsAfter > faultsBefore ? Verdict.Worse : faultsAfter < faultsBefore ? Verdict.Better : Verdict.Same));
        }

        Spread first = Spread.Of(before), second = Spread.Of(after);
        (string, double)? cause = CauseOf(before, after);
        figures.Add(Judge(before.Name, "iops", before.CommandsPerSecond, after.CommandsPerSecond, Together(first.CommandsPerSecond, second.CommandsPerSecond), thresholdPercent, isMoreBetter: true));
        figures.Add(Judge(before.Name, "p50_us", before.Latency.P50Microseconds, after.Latency.P50Microseconds, Together(first.P50Microseconds, second.P50Microseconds), thresholdPercent, isMoreBetter: false) with { Cause = cause });
        if (before.Latency.Supports(99) && after.Latency.Supports(99))
        {
            figures.Add(Judge(before.Name, "p99_us", before.Latency.P99Microseconds, after.Latency.P99Microseconds, Together(first.P99Microseconds, second.P99Microseconds), thresholdPercent, isMoreBetter: false));
        }
    }

    private static double Together(double first, double second) => DeviationsOfNoise * Math.Sqrt(first * first + second * second);

    private static Figure Judge(string workload, string name, double before, double after, double noise, double thresholdPercent, bool isMoreBetter)
    {
        Figure figure = new(workload, name, before, after, before == 0 ? 0 : 100 * noise / before, Verdict.Same);
        double change = figure.ChangePercent;
        Verdict verdict = Math.Abs(change) <= thresholdPercent ? Verdict.Same
            : Math.Abs(after - before) <= noise ? Verdict.WithinNoise
            : change > 0 == isMoreBetter ? Verdict.Better
            : Verdict.Worse;
        return figure with { Verdict = verdict };
    }

    private static (string, double)? CauseOf(WorkloadResult before, WorkloadResult after)
    {
        if (before.Sampled == 0 || after.Sampled == 0)
        {
            return null;
        }

        Dictionary<string, double> means = before.Hops.ToDictionary(hop => hop.Name, hop => hop.MeanMicroseconds);
        double whole = (after.EndToEnd?.MeanMicroseconds ?? 0) - (before.EndToEnd?.MeanMicroseconds ?? 0);
        HopSummary? most = after.Hops.MaxBy(hop => Math.Sign(whole) * (hop.MeanMicroseconds - means.GetValueOrDefault(hop.Name)));
        return most is null ? null : (most.Name, most.MeanMicroseconds - means.GetValueOrDefault(most.Name));
    }
}
