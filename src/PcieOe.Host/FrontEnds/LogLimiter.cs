namespace PcieOe.Host.FrontEnds;

/// <summary>Lets a burst of log lines through and then one a second. One thread.</summary>
internal sealed class LogLimiter
{
    private const int Burst = 20;
    private const long RefillMilliseconds = 1000;

    private int _left = Burst;
    private long _lastRefill;

    public bool Allows(long nowMilliseconds)
    {
        long refills = (nowMilliseconds - _lastRefill) / RefillMilliseconds;
        if (refills > 0)
        {
            _left = (int)Math.Min(Burst, _left + refills);
            _lastRefill = nowMilliseconds;
        }

        return _left > 0 && _left-- > 0;
    }
}
