using PcieOe.Transport.Histograms;
using Xunit;

namespace PcieOe.Transport.Tests.Histograms;

public sealed class LatencyHistogramTests
{
    [Fact]
    public void EveryBucket_BoundsAndIndex_Agree()
    {
        long expected = 0;
        for (int index = 0; index < LatencyHistogram.BucketCount; index++)
        {
            Assert.Equal(expected, LatencyHistogram.LowestEquivalent(index));
            long highest = LatencyHistogram.HighestEquivalent(index);
            Assert.Equal(index, LatencyHistogram.IndexOf(expected));
            Assert.Equal(index, LatencyHistogram.IndexOf(highest));
            Assert.True(highest - expected <= expected / 1000, $"bucket {index} is wider than three digits");
            expected = highest + 1;
        }

        Assert.True(expected > LatencyHistogram.HighestTrackableNanoseconds);
    }

    [Theory]
    [InlineData(1, 100)]
    [InlineData(2, 10_000)]
    [InlineData(3, 200_000)]
    public void RandomSamples_Percentiles_EqualExactSortingWithinPrecision(int seed, int samples)
    {
        Random random = new(seed);
        using LatencyHistogram histogram = new();
        long[] values = new long[samples];
        for (int i = 0; i < samples; i++)
        {
            values[i] = (long)Math.Exp(random.NextDouble() * 28);
            histogram.Record(values[i]);
        }

        Array.Sort(values);
        foreach (double percentile in (double[])[0, 1, 10, 50, 90, 99, 99.9, 99.99, 99.999, 100])
        {
            long exact = values[Math.Max(0, (int)Math.Ceiling(percentile / 100 * samples - 1e-9) - 1)];
            long measured = histogram.ValueAtPercentile(percentile);
            Assert.True(measured >= exact && measured - exact <= exact / 1000, $"p{percentile}: {measured} against {exact}");
        }

        Assert.Equal(values[^1], histogram.Maximum);
        Assert.Equal(values[0], histogram.Minimum);
        Assert.InRange(histogram.Mean, values.Average() * 0.999, values.Average() * 1.001);
    }

    [Fact]
    public void OutOfRange_Recorded_CountsAtTheBounds()
    {
        using LatencyHistogram histogram = new();
        histogram.Record(-5);
        histogram.Record(long.MaxValue);
        Assert.Equal(2, histogram.Count);
        Assert.Equal(0, histogram.Minimum);
        Assert.Equal(LatencyHistogram.HighestTrackableNanoseconds, histogram.Maximum);
    }

    [Fact]
    public void LaterState_EarlierSubtracted_LeavesTheDifference()
    {
        using LatencyHistogram all = new();
        using LatencyHistogram earlier = new();
        all.Record(10);
        all.Record(5000);
        earlier.Add(all);
        all.Record(777);
        all.Subtract(earlier);
        Assert.Equal(1, all.Count);
        Assert.Equal(777, all.Minimum);
        Assert.Equal(777, all.Maximum);
        Assert.Throws<ArgumentException>(() => all.Subtract(earlier));
    }

    [Fact]
    public void Counts_EncodedAndDecoded_AreEqual()
    {
        Random random = new(7);
        using LatencyHistogram histogram = new();
        for (int i = 0; i < 5000; i++)
        {
            histogram.Record((long)Math.Exp(random.NextDouble() * 28), random.Next(1, 1 << 30));
        }

        using LatencyHistogram decoded = HistogramEncoding.DecodeCompressed(HistogramEncoding.EncodeCompressed(histogram));
        Assert.Equal(histogram.Count, decoded.Count);
        for (int index = 0; index < LatencyHistogram.BucketCount; index++)
        {
            Assert.Equal(histogram.CountAt(index), decoded.CountAt(index));
        }
    }

    [Fact]
    public void DamagedEncoding_Decoded_IsRefused()
    {
        using LatencyHistogram histogram = new();
        histogram.Record(1);
        byte[] encoded = HistogramEncoding.EncodeCompressed(histogram);
        Assert.Throws<InvalidDataException>(() => HistogramEncoding.DecodeCompressed(encoded.AsSpan(0, 6)));
        encoded[0] ^= 1;
        Assert.Throws<InvalidDataException>(() => HistogramEncoding.DecodeCompressed(encoded));
    }

    [Fact]
    public void Histogram_WrittenAsPercentiles_EndsWithTheMaximum()
    {
        using LatencyHistogram histogram = new();
        for (int i = 1; i <= 1000; i++)
        {
            histogram.Record(i * 1000);
        }

        StringWriter text = new();
        PercentileFile.Write(text, histogram);
        string[] lines = text.ToString().Split('\n');
        Assert.StartsWith("       Value     Percentile", lines[0]);
        Assert.Contains(lines, line => line.TrimStart().StartsWith("1000.000 1.000000000000", StringComparison.Ordinal));
        Assert.Contains(lines, line => line.Contains("Total count    =         1000", StringComparison.Ordinal));
    }

    [Fact]
    public void SteadyState_Recorded_AllocatesNothing()
    {
        using LatencyHistogram histogram = new();
        histogram.Record(1);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 100_000; i++)
        {
            histogram.Record(i * 977L);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }
}
