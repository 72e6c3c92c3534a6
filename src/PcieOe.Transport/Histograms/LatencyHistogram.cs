using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace PcieOe.Transport.Histograms;

/// <summary>
/// Counts of durations in log-linear buckets: 1 ns to 1 h with three significant decimal digits, in fixed memory. Buckets and their
/// indices are those of HdrHistogram (lowest value 1, highest 3.6e12, 3 digits), so that its tools read what is saved from here.
/// One thread writes; another may read counts while it does (each count is one aligned 64-bit word), and then sees each of them at
/// some recent value: enough for a display, and exact once the writer pauses.
/// </summary>
public sealed unsafe class LatencyHistogram : IDisposable
{
    public const long HighestTrackableNanoseconds = 3_600_000_000_000;
    public const int SignificantDigits = 3;

    // 2048 = the power of two at or above 2 * 10^3: within it values are exact, above it each doubling has 1024 buckets.
    private const int SubBucketCount = 2048;
    private const int SubBucketHalfCount = SubBucketCount / 2;
    private const int SubBucketHalfCountMagnitude = 10;
    private const int LeadingZeroCountBase = 64 - 1 - SubBucketHalfCountMagnitude;

    /// <summary>Number of buckets: 32 doublings of 1024 and the first 1024.</summary>
    public static int BucketCount { get; } = IndexOf(HighestTrackableNanoseconds) / SubBucketHalfCount * SubBucketHalfCount + SubBucketHalfCount;

    // Zero pages that nobody counted in cost no memory.
    private long* _counts;
    private long _total;
    private long _maximum;
    private long _minimum = long.MaxValue;

    public LatencyHistogram()
    {
        _counts = (long*)NativeMemory.AllocZeroed((nuint)BucketCount, sizeof(long));
    }

    ~LatencyHistogram() => Free();

    public long Count => Volatile.Read(ref _total);

    /// <summary>Largest value recorded, as it was; 0 when empty.</summary>
    public long Maximum => Volatile.Read(ref _maximum);

    /// <summary>Smallest value recorded, as it was; 0 when empty.</summary>
    public long Minimum => _total == 0 ? 0 : Volatile.Read(ref _minimum);

    /// <summary>Counts one duration. Negative ones count as 0, longer ones than an hour as an hour.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Record(long nanoseconds) => Record(nanoseconds, 1);

    /// <summary>Counts one duration <paramref name="count"/> times.</summary>
    public void Record(long nanoseconds, long count)
    {
        long value = Math.Clamp(nanoseconds, 0, HighestTrackableNanoseconds);
        _counts[IndexOf(value)] += count;
        _total += count;
        if (value > _maximum)
        {
            _maximum = value;
        }

        if (value < _minimum)
        {
            _minimum = value;
        }
    }

    /// <summary>Adds the counts of another histogram to this one.</summary>
    public void Add(LatencyHistogram other)
    {
        if (other.Count == 0)
        {
            return;
        }

        long added = 0;
        for (int index = 0; index < BucketCount; index++)
        {
            long count = other._counts[index];
            if (count != 0)
            {
                _counts[index] += count;
                added += count;
            }
        }

        _total += added;
        _maximum = Math.Max(_maximum, other._maximum);
        _minimum = Math.Min(_minimum, other._minimum);
    }

    /// <summary>
    /// Takes an earlier snapshot of this histogram away from it, which leaves what was counted since. Extremes become those of the
    /// buckets left. A snapshot of something else is refused.
    /// </summary>
    /// <exception cref="ArgumentException">A bucket of <paramref name="earlier"/> holds more than this one's.</exception>
    public void Subtract(LatencyHistogram earlier)
    {
        for (int index = 0; index < BucketCount; index++)
        {
            if (earlier._counts[index] > _counts[index])
            {
                throw new ArgumentException("The histogram to subtract is not an earlier state of this one.", nameof(earlier));
            }
        }

        _total = 0;
        _minimum = long.MaxValue;
        long maximum = 0;
        for (int index = 0; index < BucketCount; index++)
        {
            long count = _counts[index] -= earlier._counts[index];
            if (count == 0)
            {
                continue;
            }

            _total += count;
            _minimum = Math.Min(_minimum, LowestEquivalent(index));
            maximum = HighestEquivalent(index);
        }

        _maximum = Math.Min(maximum, _maximum);
    }

    public void Clear()
    {
        if (_total != 0)
        {
            NativeMemory.Clear(_counts, (nuint)BucketCount * sizeof(long));
        }

        _total = 0;
        _maximum = 0;
        _minimum = long.MaxValue;
    }

    /// <summary>The smallest bucket value that at least <paramref name="percentile"/> percent of the counts do not exceed; 0 when empty.</summary>
    public long ValueAtPercentile(double percentile)
    {
        if (_total == 0)
        {
            return 0;
        }

        double wanted = Math.Clamp(percentile, 0, 100) / 100 * _total;
        long target = Math.Max(1, (long)Math.Ceiling(wanted - 1e-9));
        long seen = 0;
        for (int index = 0; index < BucketCount; index++)
        {
            seen += _counts[index];
            if (seen >= target)
            {
                return Math.Min(HighestEquivalent(index), _maximum);
            }
        }

        return _maximum;
    }

    /// <summary>Mean of the bucket middles; 0 when empty.</summary>
    public double Mean
    {
        get
        {
            if (_total == 0)
            {
                return 0;
            }

            double sum = 0;
            for (int index = 0; index < BucketCount; index++)
            {
                if (_counts[index] != 0)
                {
                    sum += (double)_counts[index] * MedianEquivalent(index);
                }
            }

            return sum / _total;
        }
    }

    /// <summary>Standard deviation of the bucket middles; 0 when empty.</summary>
    public double StandardDeviation
    {
        get
        {
            if (_total == 0)
            {
                return 0;
            }

            double mean = Mean;
            double sum = 0;
            for (int index = 0; index < BucketCount; index++)
            {
                if (_counts[index] != 0)
                {
                    double distance = MedianEquivalent(index) - mean;
                    sum += distance * distance * _counts[index];
                }
            }

            return Math.Sqrt(sum / _total);
        }
    }

    /// <summary>The count of one bucket.</summary>
    public long CountAt(int index)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)BucketCount, nameof(index));
        return _counts[index];
    }

    /// <summary>The bucket of a value of 0 to <see cref="HighestTrackableNanoseconds"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int IndexOf(long value)
    {
        int doubling = LeadingZeroCountBase - BitOperations.LeadingZeroCount((ulong)value | (SubBucketCount - 1));
        int subBucket = (int)(value >>> doubling);
        return ((doubling + 1) << SubBucketHalfCountMagnitude) + subBucket - SubBucketHalfCount;
    }

    /// <summary>Smallest value that falls into a bucket.</summary>
    public static long LowestEquivalent(int index)
    {
        int doubling = (index >> SubBucketHalfCountMagnitude) - 1;
        int subBucket = (index & (SubBucketHalfCount - 1)) + SubBucketHalfCount;
        return doubling < 0 ? index : (long)subBucket << doubling;
    }

    /// <summary>Largest value that falls into a bucket.</summary>
    public static long HighestEquivalent(int index) => LowestEquivalent(index) + Width(index) - 1;

    private static long MedianEquivalent(int index) => LowestEquivalent(index) + Width(index) / 2;

    private static long Width(int index) => 1L << Math.Max(0, (index >> SubBucketHalfCountMagnitude) - 1);

    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private void Free()
    {
        NativeMemory.Free(_counts);
        _counts = null;
    }
}
