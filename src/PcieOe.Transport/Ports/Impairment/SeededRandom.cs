namespace PcieOe.Transport.Ports.Impairment;

/// <summary>SplitMix64 (Steele, Lea, Flood, 2014): small, and the same numbers for a seed on every runtime.</summary>
internal struct SeededRandom(ulong seed)
{
    private ulong _state = seed;

    internal ulong Next()
    {
        ulong value = _state += 0x9E3779B97F4A7C15;
        value = (value ^ value >> 30) * 0xBF58476D1CE4E5B9;
        value = (value ^ value >> 27) * 0x94D049BB133111EB;
        return value ^ value >> 31;
    }

    /// <summary>0 to <paramref name="bound"/> - 1.</summary>
    internal long Below(long bound) => (long)Math.BigMul(Next(), (ulong)bound, out _);

    /// <summary>True with the probability given. Draws a number in any case, so that the rest of the sequence does not depend on it.</summary>
    internal bool Chance(double probability) => (Next() >> 11) * (1.0 / (1UL << 53)) < probability;
}
