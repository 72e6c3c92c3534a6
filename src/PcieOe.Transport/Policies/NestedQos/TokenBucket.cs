namespace PcieOe.Transport.Policies.NestedQos;

/// <summary>An envelope burst + rate x time, in integer billionths of a unit so that a run is the same on every machine.</summary>
internal struct TokenBucket
{
    private const long Scale = 1_000_000_000;

    // What is added at once is at least twice the largest burst, and far from an overflow.
    private const long MostAdded = long.MaxValue / 4;

    private long _burst;
    private long _perMicrosecond;
    private long _mostMicroseconds;
    private long _tokens;
    private long _filledAt;

    public TokenBucket(double burstUnits, double unitsPerSecond, long now)
    {
        SetEnvelope(burstUnits, unitsPerSecond);
        _tokens = _burst;
        _filledAt = now;
    }

    /// <summary>Changes the envelope from now on; what was taken stays taken.</summary>
    public void Change(double burstUnits, double unitsPerSecond, long now)
    {
        Fill(now);
        long taken = _burst - _tokens;
        SetEnvelope(burstUnits, unitsPerSecond);
        _tokens = _burst - taken;
    }

    public bool Holds(int units, long now)
    {
        Fill(now);
        return _tokens >= units * Scale;
    }

    public void Take(int units) => _tokens -= units * Scale;

    private void SetEnvelope(double burstUnits, double unitsPerSecond)
    {
        _burst = (long)(burstUnits * Scale);
        _perMicrosecond = Math.Max(1, (long)(unitsPerSecond * (Scale / 1_000_000)));
        _mostMicroseconds = MostAdded / _perMicrosecond;
    }

    private void Fill(long now)
    {
        long microseconds = (now - _filledAt) / 1000;
        if (microseconds <= 0)
        {
            return;
        }

        // Whole microseconds only: the rest stays to be counted next time.
        _filledAt += microseconds * 1000;
        _tokens = Math.Min(_burst, _tokens + Math.Min(microseconds, _mostMicroseconds) * _perMicrosecond);
    }
}
