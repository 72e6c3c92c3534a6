using PcieOe.Protocol.Handshake;

namespace PcieOe.Simulation;

/// <summary>The numbers of one seed (SplitMix64): the same on every machine and runtime.</summary>
public sealed class SimulationRandom(ulong seed) : IRandomSource
{
    private ulong _state = seed;

    /// <summary>A number that follows from another and looks unlike it.</summary>
    public static ulong Mix(ulong value)
    {
        value = (value ^ value >> 30) * 0xBF58_476D_1CE4_E5B9;
        value = (value ^ value >> 27) * 0x94D0_49BB_1331_11EB;
        return value ^ value >> 31;
    }

    public ulong Next() => Mix(_state += 0x9E37_79B9_7F4A_7C15);

    /// <summary>From <paramref name="least"/> to <paramref name="most"/>, both included.</summary>
    public long Between(long least, long most) => least + (long)(Next() % (ulong)(most - least + 1));

    public int Between(int least, int most) => (int)Between((long)least, most);

    public double Fraction() => (Next() >> 11) * (1.0 / (1UL << 53));

    public bool Chance(double probability) => probability > 0 && Fraction() < probability;

    public T Pick<T>(ReadOnlySpan<T> choices) => choices[(int)(Next() % (ulong)choices.Length)];

    public void Fill(Span<byte> destination)
    {
        foreach (ref byte value in destination)
        {
            value = (byte)Next();
        }
    }
}
