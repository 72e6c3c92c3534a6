using System.Globalization;

namespace PcieOe.Transport.Histograms;

/// <summary>Writes a histogram as the percentile table that HdrHistogram's tools plot (".hgrm").</summary>
public static class PercentileFile
{
    private const int TicksPerHalfDistance = 5;

    /// <param name="unitNanoseconds">What one unit of the value column is: 1000 gives microseconds.</param>
    public static void Write(TextWriter writer, LatencyHistogram histogram, double unitNanoseconds = 1000)
    {
        CultureInfo plain = CultureInfo.InvariantCulture;
        writer.Write("       Value     Percentile TotalCount 1/(1-Percentile)\n\n");
        long total = histogram.Count;
        long seen = 0;
        double nextPercentile = 0;
        for (int index = 0; index < LatencyHistogram.BucketCount && seen < total; index++)
        {
            long count = histogram.CountAt(index);
            if (count == 0)
            {
                continue;
            }

            seen += count;
            double reached = 100.0 * seen / total;
            while (nextPercentile <= reached && nextPercentile < 100 && seen < total)
            {
                double value = LatencyHistogram.HighestEquivalent(index) / unitNanoseconds;
                writer.Write(string.Create(plain, $"{value,12:F3} {nextPercentile / 100,14:F12} {seen,10} {1 / (1 - nextPercentile / 100),14:F2}\n"));
                nextPercentile += Step(nextPercentile);
            }
        }

        if (total > 0)
        {
            writer.Write(string.Create(plain, $"{histogram.Maximum / unitNanoseconds,12:F3} {1.0,14:F12} {total,10}\n"));
        }

        writer.Write(string.Create(plain, $"#[Mean    = {histogram.Mean / unitNanoseconds,12:F3}, StdDeviation   = {histogram.StandardDeviation / unitNanoseconds,12:F3}]\n"));
        writer.Write(string.Create(plain, $"#[Max     = {histogram.Maximum / unitNanoseconds,12:F3}, Total count    = {total,12}]\n"));
        writer.Write("#[Buckets =           32, SubBuckets     =         2048]\n");
    }

    // Steps halve with every halving of the distance to 100 %, so that the tail gets as many lines as the body.
    private static double Step(double percentile)
    {
        double halvings = Math.Floor(Math.Log2(100 / (100 - percentile))) + 1;
        return 100 / (TicksPerHalfDistance * Math.Pow(2, halvings));
    }
}
