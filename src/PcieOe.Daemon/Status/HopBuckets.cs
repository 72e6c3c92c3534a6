using PcieOe.Transport.Histograms;

namespace PcieOe.Daemon.Status;

/// <summary>The bounds by which metrics count latencies: 1, 2, 5 in each decade from 100 ns to 1 s, so that buckets of several daemons add up.</summary>
public static class HopBuckets
{
    public static IReadOnlyList<long> BoundsNanoseconds { get; } =
    [
        .. from decade in (long[])[100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000] from step in (long[])[1, 2, 5] select decade * step,
        1_000_000_000,
    ];

    /// <summary>How many values are at most each bound, within the histogram's precision.</summary>
    public static long[] Count(LatencyHistogram histogram)
    {
        long[] counts = new long[BoundsNanoseconds.Count];
        long sum = 0;
        int index = 0;
        for (int bound = 0; bound < counts.Length; bound++)
        {
            for (int last = LatencyHistogram.IndexOf(BoundsNanoseconds[bound]); index <= last; index++)
            {
                sum += histogram.CountAt(index);
            }

            counts[bound] = sum;
        }

        return counts;
    }
}
