namespace PcieOe.Protocol.Link;

/// <summary>Smoothed round trip and its variation (RFC 6298, 2), and the least of the last seconds. All in nanoseconds.</summary>
internal sealed class RoundTripEstimator(long initial)
{
    private const long MinimumPeriod = 5_000_000_000;

    private long _periodStart = long.MinValue;
    private long _minimumOfPeriod = long.MaxValue;
    private long _minimumOfLastPeriod = long.MaxValue;
    private bool _measured;

    public long Smoothed { get; private set; } = initial;

    public long Variation { get; private set; } = initial / 2;

    /// <summary>The least round trip of the last 5 to 10 seconds with a measurement.</summary>
    public long Minimum => _measured ? Math.Min(_minimumOfPeriod, _minimumOfLastPeriod) : Smoothed;

    public void OnSample(long roundTrip, long now)
    {
        if (!_measured)
        {
            _measured = true;
            _periodStart = now;
            Smoothed = roundTrip;
            Variation = roundTrip / 2;
        }
        else
        {
            Variation += (Math.Abs(roundTrip - Smoothed) - Variation) / 4;
            Smoothed += (roundTrip - Smoothed) / 8;
        }

        if (now - _periodStart > MinimumPeriod)
        {
            _periodStart = now;
            _minimumOfLastPeriod = _minimumOfPeriod;
            _minimumOfPeriod = long.MaxValue;
        }

        _minimumOfPeriod = Math.Min(_minimumOfPeriod, roundTrip);
    }
}
