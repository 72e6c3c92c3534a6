using PcieOe.Transport.Histograms;

namespace PcieOe.Host.Bench;

/// <summary>
/// A workload's latencies, a histogram for each interval of its time: what shows a stall that a histogram of the whole hides. Memory for
/// all of them is taken at the start, and the worker's thread only moves on. What completes after the end counts in the last interval.
/// </summary>
internal sealed class IntervalHistograms : IDisposable
{
    private const int MaximumIntervals = 20;
    private const double ShortestSeconds = 0.1;

    private readonly LatencyHistogram[] _histograms;
    private readonly long _interval;
    private int _index;
    private long _nextAt;

    internal IntervalHistograms(double seconds)
    {
        int count = (int)Math.Clamp(seconds / ShortestSeconds, 1, MaximumIntervals);
        Seconds = seconds / count;
        _interval = (long)(Seconds * 1e9);
        _histograms = new LatencyHistogram[count];
        for (int i = 0; i < count; i++)
        {
            _histograms[i] = new LatencyHistogram();
        }
    }

    /// <summary>Length of an interval.</summary>
    internal double Seconds { get; }

    internal IReadOnlyList<LatencyHistogram> All => _histograms;

    internal void Start(long now) => _nextAt = now + _interval;

    internal void Record(long latency, long now)
    {
        while (now >= _nextAt && _index < _histograms.Length - 1)
        {
            _index++;
            _nextAt += _interval;
        }

        _histograms[_index].Record(latency);
    }

    /// <summary>All of them in one. Not while the workload runs.</summary>
    internal LatencyHistogram Merge()
    {
        LatencyHistogram all = new();
        foreach (LatencyHistogram histogram in _histograms)
        {
            all.Add(histogram);
        }

        return all;
    }

    public void Dispose()
    {
        foreach (LatencyHistogram histogram in _histograms)
        {
            histogram.Dispose();
        }
    }
}
