namespace PcieOe.Transport.Ports.Impairment;

/// <summary>Changes bits of a frame.</summary>
internal static class FrameCorruption
{
    private const int MaximumBits = 3;
    private const int BurstBits = 32;
    private const int ArbitraryBytes = 64;

    internal static void Apply(Span<byte> content, CorruptionKind kind, ref SeededRandom random)
    {
        if (content.IsEmpty)
        {
            return;
        }

        if (kind == CorruptionKind.Arbitrary)
        {
            ChangeBytes(content, ref random);
        }
        else if (random.Chance(0.5))
        {
            FlipBits(content, ref random);
        }
        else
        {
            FlipBurst(content, ref random);
        }
    }

    /// <summary>One to three bits, each another one.</summary>
    private static void FlipBits(Span<byte> content, ref SeededRandom random)
    {
        long bits = content.Length * 8L;
        long count = 1 + random.Below(MaximumBits);
        long first = random.Below(bits);
        Flip(content, first);
        if (count > 1)
        {
            // Distances that sum to less than the whole never meet again.
            long second = 1 + random.Below(bits - 2);
            Flip(content, (first + second) % bits);
            if (count > 2)
            {
                Flip(content, (first + second + 1 + random.Below(bits - second - 1)) % bits);
            }
        }
    }

    private static void FlipBurst(Span<byte> content, ref SeededRandom random)
    {
        long bits = content.Length * 8L;
        uint pattern = (uint)random.Next() | 1;
        long first = random.Below(bits);
        for (int i = 0; i < BurstBits && first + i < bits; i++)
        {
            if ((pattern >> i & 1) != 0)
            {
                Flip(content, first + i);
            }
        }
    }

    private static void ChangeBytes(Span<byte> content, ref SeededRandom random)
    {
        int length = (int)Math.Min(content.Length, 1 + random.Below(ArbitraryBytes));
        int start = (int)random.Below(content.Length - length + 1);
        foreach (ref byte value in content.Slice(start, length))
        {
            value ^= (byte)(1 + random.Below(255));
        }
    }

    private static void Flip(Span<byte> content, long bit) => content[(int)(bit / 8)] ^= (byte)(1 << (int)(bit % 8));
}
