using PcieOe.Transport.Histograms;

namespace PcieOe.Host.Bench;

/// <summary>
/// A workload's latencies, a histogram for each interval of its time: what shows a stall that a histogram of the whole hides. Memory for
/// all of them is taken at the start, and the worker's thread only moves on. What completes after the end counts in the last interval.
/// </summary>
internal sealed class IntervalHistograms : IDisposable
{
    private readonly LatencyHistogram[] _histograms;
    private readonly IntervalClock _clock;

    internal IntervalHistograms(double seconds)
    {
        _clock = new IntervalClock(seconds);
        _histograms = new LatencyHistogram[_clock.Count];
        for (int i = 0; i < _histograms.Length; i++)
        {
            _histograms[i] = new LatencyHistogram();
        }
    }

    /// <summary>Length of an interval.</summary>
    internal double Seconds => _clock.Seconds;

    internal IReadOnlyList<LatencyHistogram> All => _histograms;

    internal void Start(long now) => _clock.Start(now);

    internal void Record(long latency, long now) => _histograms[_clock.IndexAt(now)].Record(latency);

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
