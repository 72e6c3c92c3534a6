using PcieOe.Protocol.Hops;

namespace PcieOe.Transport.Hops;

/// <summary>
/// Time that is wasted on purpose in a hop of every sampled command, so that one can see whether stamps lie where they should
/// (<c>pcieoe lab --inject</c>). Belongs to the worker's thread.
/// </summary>
/// <param name="clock">Monotonic nanoseconds.</param>
public sealed class HopDelays(Func<long> clock)
{
    private readonly long[] _nanoseconds = new long[HopNames.Count];

    public void Set(Hop hop, long nanoseconds) => _nanoseconds[(int)hop] = nanoseconds;

    public void Clear() => Array.Clear(_nanoseconds);

    /// <summary>Keeps the thread busy for what is set. Returns how long that was.</summary>
    public long Wait(Hop hop)
    {
        long wanted = _nanoseconds[(int)hop];
        if (wanted == 0)
        {
            return 0;
        }

        long start = clock();
        long elapsed;
        do
        {
            elapsed = clock() - start;
        }
        while (elapsed < wanted);
        return elapsed;
    }
}
