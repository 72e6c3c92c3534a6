namespace PcieOe.Host.Bench;

/// <summary>A small seeded generator (SplitMix64): the same sequence on every machine, and a few nanoseconds a number.</summary>
internal struct FastRandom(ulong seed)
{
    private ulong _state = seed;

    internal ulong Next() => Mix(_state += 0x9E3779B97F4A7C15);

    /// <summary>0 to <paramref name="bound"/> - 1.</summary>
    internal long Below(long bound) => (long)Math.BigMul(Next(), (ulong)bound, out _);

    /// <summary>Above 0, at most 1.</summary>
    internal double NextDouble() => ((Next() >> 11) + 1) * (1.0 / (1UL << 53));

    internal static ulong Mix(ulong value)
    {
        value = (value ^ value >> 30) * 0xBF58476D1CE4E5B9;
        value = (value ^ value >> 27) * 0x94D049BB133111EB;
        return value ^ value >> 31;
    }
}
