namespace PcieOe.Transport.Policies.NestedQos;

/// <summary>
/// Learns what an endpoint serves, in units a second: from spans of 100 ms in which something waited throughout, so that it was never
/// short of work. A moving average, since flash is faster at some times than at others.
/// </summary>
internal struct CapacityMeter()
{
    private const long SpanNanoseconds = 100_000_000;
    private const double Gain = 0.25;
    private const long NoSpan = long.MinValue;

    private long _spanStart = NoSpan;
    private long _units;

    /// <summary>0 until the first span.</summary>
    public double UnitsPerSecond { get; private set; }

    public void OnServed(int units, bool hasWaiting, long now)
    {
        if (!hasWaiting)
        {
            _spanStart = NoSpan;
            return;
        }

        if (_spanStart == NoSpan)
        {
            _spanStart = now;
            _units = 0;
            return;
        }

        _units += units;
        if (now - _spanStart < SpanNanoseconds)
        {
            return;
        }

        double sample = _units * 1e9 / (now - _spanStart);
        UnitsPerSecond = UnitsPerSecond == 0 ? sample : UnitsPerSecond + Gain * (sample - UnitsPerSecond);
        _spanStart = now;
        _units = 0;
    }
}
