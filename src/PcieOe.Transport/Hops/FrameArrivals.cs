namespace PcieOe.Transport.Hops;

/// <summary>
/// When the kernel had the frame that is being handed over. Its timestamps are of CLOCK_REALTIME, which may be set or slewed at any time:
/// only how long ago one was is taken from it. Belongs to the worker's thread.
/// </summary>
/// <param name="clock">Monotonic nanoseconds.</param>
/// <param name="realtime">The clock of the timestamps, nanoseconds.</param>
public sealed class FrameArrivals(Func<long> clock, Func<long> realtime)
{
    private long _timestamp;

    /// <param name="timestamp">The port's timestamp of the frame; 0: it has none.</param>
    public void OnFrame(long timestamp) => _timestamp = timestamp;

    /// <summary>How long the frame had lain in the port at the monotonic instant <paramref name="now"/>, nanoseconds; -1: unknown.</summary>
    public long WaitUntil(long now) => _timestamp == 0 ? -1 : Math.Max(0, realtime() - _timestamp - (clock() - now));
}
