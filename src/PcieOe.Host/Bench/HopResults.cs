using PcieOe.Host.Hops;
using PcieOe.Transport.Histograms;
using PcieOe.Transport.Hops;

namespace PcieOe.Host.Bench;

/// <summary>A workload's hops as its result has them. It takes some milliseconds: not for the worker's thread.</summary>
internal static class HopResults
{
    private const string WholeName = "end-to-end";

    /// <param name="byLabel">What <paramref name="hops"/> has apart by label.</param>
    internal static WorkloadResult Add(WorkloadResult result, WorkloadHops hops, LabelledHops byLabel)
    {
        if (hops.Count == 0)
        {
            return result;
        }

        using HopHistograms all = byLabel.Merge();
        return result with
        {
            Hops = [.. all.Hops().Select((summary, index) => WithValues(summary, hops, all, histograms => histograms.HopHistogramsInOrder[index]))],
            HopParts = [.. all.Parts().Select((summary, index) => WithValues(summary, hops, all, histograms => histograms.PartHistograms[index]))],
            EndToEnd = WithValues(all.Whole(WholeName), hops, all, histograms => histograms.WholeHistogram),
            ResidualMicroseconds = all.ResidualMicroseconds,
            Sampled = hops.Count,
            HopsByLabel = [.. Enumerable.Range(0, byLabel.Count).Select(index => Describe(byLabel[index].Labels, byLabel[index].Histograms)).Where(entry => entry.Sampled > 0)],
        };
    }

    private static HopSummary WithValues(HopSummary summary, WorkloadHops hops, HopHistograms all, Func<HopHistograms, LatencyHistogram> choose) => summary with
    {
        Histogram = HistogramEncoding.ToText(choose(all)),
        Intervals = [.. hops.Intervals.Select(interval => HistogramEncoding.ToText(choose(interval)))],
    };

    private static LabelledHopsResult Describe(in HopLabels labels, HopHistograms histograms) => new()
    {
        Tenant = labels.Tenant,
        Class = labels.Class,
        Opcode = labels.Opcode,
        SizeBytes = labels.SizeBytes,
        IsRetransmitted = labels.IsRetransmitted,
        Sampled = histograms.Count,
        Hops = histograms.Hops(),
        EndToEnd = histograms.Whole(WholeName),
        ResidualMicroseconds = histograms.ResidualMicroseconds,
    };
}
