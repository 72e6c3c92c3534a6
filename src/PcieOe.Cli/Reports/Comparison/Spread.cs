using PcieOe.Host.Bench;
using PcieOe.Transport.Histograms;

namespace PcieOe.Cli.Reports.Comparison;

/// <summary>
/// How much a figure varied within one run, from interval to interval: a change between runs means nothing below that. Standard deviations
/// from the median distance to the median, so that one stall does not hide everything.
/// </summary>
internal sealed record Spread(double CommandsPerSecond, double P50Microseconds, double P99Microseconds)
{
    private const int FewestIntervals = 3;

    /// <summary>What makes a median distance a standard deviation, where values are normally distributed.</summary>
    private const double DeviationsPerMedianDistance = 1.4826;

    internal static Spread Of(WorkloadResult workload)
    {
        List<LatencySummary> intervals = [];
        foreach (string encoded in workload.Intervals?.Histograms ?? [])
        {
            using LatencyHistogram? histogram = WorkloadGroups.Decode(encoded);
            if (histogram is { Count: > 0 })
            {
                intervals.Add(LatencySummary.Of(histogram));
            }
        }

        if (intervals.Count < FewestIntervals)
        {
            return new Spread(0, 0, 0);
        }

        double seconds = workload.Intervals!.Seconds;
        return new Spread(
            Deviation([.. intervals.Select(interval => interval.Count / seconds)]),
            Deviation([.. intervals.Select(interval => interval.P50Microseconds)]),
            Deviation([.. intervals.Select(interval => interval.P99Microseconds)]));
    }

    private static double Deviation(double[] values)
    {
        double middle = Median(values);
        return DeviationsPerMedianDistance * Median([.. values.Select(value => Math.Abs(value - middle))]);
    }

    private static double Median(double[] values)
    {
        double[] ordered = [.. values.Order()];
        return (ordered[(ordered.Length - 1) / 2] + ordered[ordered.Length / 2]) / 2;
    }
}
