using PcieOe.Transport.Interop;

namespace PcieOe.Transport.Polling;

/// <summary>
/// What a polling thread does after a round that found nothing: looks again, lets other threads go first, or sleeps. Where there
/// are fewer processors than threads with something to do, looking again takes away from those whose work is being waited for; so a
/// thread gives way as often as somebody takes the offer (<see cref="YieldPace"/>). It belongs to the thread.
/// </summary>
public sealed class IdleStrategy
{
    private readonly PollPolicy _policy;
    private readonly long _awakeNanoseconds;
    private YieldPace _pace;
    private long _idleSince = -1;

    /// <param name="awakeMicroseconds">How long an adaptive thread stays awake after the last work.</param>
    public IdleStrategy(PollPolicy policy, int awakeMicroseconds = PollWaiterOptions.DefaultAwakeMicroseconds)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(awakeMicroseconds);
        _policy = policy;
        _awakeNanoseconds = policy == PollPolicy.Blocking ? 0 : awakeMicroseconds * 1000L;
    }

    /// <summary>The round did something.</summary>
    public void OnWork() => _idleSince = -1;

    /// <summary>The round found nothing. True: it is time to sleep; false: look again.</summary>
    /// <param name="now">The round's time, monotonic nanoseconds.</param>
    public bool OnIdle(long now)
    {
        if (_policy == PollPolicy.Busy)
        {
            return false;
        }

        if (_idleSince < 0)
        {
            _idleSince = now;
        }

        if (now - _idleSince >= _awakeNanoseconds)
        {
            return true;
        }

        if (_pace.IsDue(now))
        {
            long start = MonotonicClock.Nanoseconds;
            _ = LibC.Yield();
            _pace.OnYielded(now, MonotonicClock.Nanoseconds - start);
        }

        return false;
    }
}
