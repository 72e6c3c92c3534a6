namespace PcieOe.Host.Bench;

/// <summary>Divides a workload's time into intervals of equal length. What comes after its end counts in the last.</summary>
internal sealed class IntervalClock
{
    private const int MaximumIntervals = 20;
    private const double ShortestSeconds = 0.1;

    private readonly long _interval;
    private int _index;
    private long _nextAt;

    internal IntervalClock(double seconds)
    {
        Count = (int)Math.Clamp(seconds / ShortestSeconds, 1, MaximumIntervals);
        Seconds = seconds / Count;
        _interval = (long)(Seconds * 1e9);
    }

    internal int Count { get; }

    /// <summary>Length of an interval.</summary>
    internal double Seconds { get; }

    /// <param name="now">Monotonic nanoseconds.</param>
    internal void Start(long now) => _nextAt = now + _interval;

    /// <summary>The interval of an instant; instants come in their order.</summary>
    internal int IndexAt(long now)
    {
        while (now >= _nextAt && _index < Count - 1)
        {
            _index++;
            _nextAt += _interval;
        }

        return _index;
    }
}
