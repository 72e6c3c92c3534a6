namespace PcieOe.Protocol.Handshake;

/// <summary>
/// Lets events through at a rate, with bursts: kept as the time at which an evenly spaced stream of all events so far would be due
/// (the generic cell rate algorithm), so that it needs no timer.
/// </summary>
internal struct TokenBucket(long intervalNanoseconds, int burst)
{
    private readonly long _intervalNanoseconds = intervalNanoseconds;
    private readonly long _toleranceNanoseconds = intervalNanoseconds * (burst - 1);
    private long _dueNanoseconds = long.MinValue;

    public static TokenBucket PerSecond(int rate, int burst) => new(1_000_000_000 / rate, burst);

    public bool TryTake(long now)
    {
        long due = Math.Max(_dueNanoseconds, now);
        if (due - now > _toleranceNanoseconds)
        {
            return false;
        }

        _dueNanoseconds = due + _intervalNanoseconds;
        return true;
    }
}
