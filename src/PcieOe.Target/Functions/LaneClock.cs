namespace PcieOe.Target.Functions;

/// <summary>Monotonic time that stands still while the link is down, so that an outage times nothing out.</summary>
internal struct LaneClock
{
    private long _stoppedTotal;
    private long _stoppedAt;
    private bool _isStopped;

    /// <summary>Lane time at <paramref name="now"/>.</summary>
    public readonly long At(long now) => (_isStopped ? _stoppedAt : now) - _stoppedTotal;

    /// <summary>When lane time reaches <paramref name="laneTime"/>, as things stand.</summary>
    public readonly long ToMonotonic(long laneTime) => _isStopped || laneTime == long.MaxValue ? long.MaxValue : laneTime + _stoppedTotal;

    public void Stop(long now)
    {
        if (!_isStopped)
        {
            _isStopped = true;
            _stoppedAt = now;
        }
    }

    public void Continue(long now)
    {
        if (_isStopped)
        {
            _isStopped = false;
            _stoppedTotal += now - _stoppedAt;
        }
    }
}
