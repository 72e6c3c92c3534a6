using System.Diagnostics;

namespace PcieOe.Transport.Polling;

/// <summary>The two clocks of a poll loop. A read takes about 25 ns: one for each round.</summary>
public static class MonotonicClock
{
    /// <summary>Nanoseconds since some moment before the process began; never goes back.</summary>
    public static long Nanoseconds => Stopwatch.Frequency == 1_000_000_000
        ? Stopwatch.GetTimestamp()
        : (long)(Stopwatch.GetTimestamp() * (1e9 / Stopwatch.Frequency));

    /// <summary>Nanoseconds since 1970 (CLOCK_REALTIME), in steps of 100: what kernel timestamps are compared with.</summary>
    public static long RealtimeNanoseconds => (DateTime.UtcNow.Ticks - DateTime.UnixEpoch.Ticks) * 100;
}
