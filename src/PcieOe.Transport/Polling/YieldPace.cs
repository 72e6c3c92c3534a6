namespace PcieOe.Transport.Polling;

/// <summary>
/// How often a polling thread gives way. A yield that comes back late had another thread wait for this processor: then the next one is due
/// at once. One that comes back early cost its time for nothing: then the next is due later and later, up to a bound, which is the longest
/// that a thread which has just become ready waits for one that only looks. One that took as long as a scheduler's slice met a thread that
/// gives nothing back by itself: then this one keeps the processor for as long. It has no clock.
/// </summary>
internal struct YieldPace
{
    /// <summary>A yield that found nobody else takes less.</summary>
    internal const long AloneNanoseconds = 2_000;

    internal const long ShortestPauseNanoseconds = 250;
    internal const long LongestPauseNanoseconds = 4_000;

    /// <summary>Shorter than a slice of Linux's scheduler, and longer than a round of any thread that polls.</summary>
    internal const long SliceNanoseconds = 1_000_000;

    private long _pause;
    private long _due;

    internal readonly bool IsDue(long now) => now >= _due;

    /// <param name="nanoseconds">How long the yield took that began at <paramref name="now"/>.</param>
    internal void OnYielded(long now, long nanoseconds)
    {
        _pause = nanoseconds >= AloneNanoseconds ? 0 : Math.Clamp(2 * _pause, ShortestPauseNanoseconds, LongestPauseNanoseconds);
        _due = now + nanoseconds + (nanoseconds >= SliceNanoseconds ? nanoseconds : _pause);
    }
}
