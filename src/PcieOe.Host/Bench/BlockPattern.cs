using System.Runtime.InteropServices;

namespace PcieOe.Host.Bench;

/// <summary>
/// What a verified unit holds: a mark of whose it is, its number, its generation, and words that follow from all three, so that data of
/// another host, from another place, from another time, or torn, is told apart. Native byte order.
/// </summary>
internal static class BlockPattern
{
    private const ulong Magic = 0x5043_4945_4F45_0001;
    private const int HeaderWords = 4;

    /// <summary>A number for a host's name: FNV-1a over its letters.</summary>
    internal static ulong OwnerOf(string name)
    {
        ulong hash = 0xCBF29CE484222325;
        foreach (char letter in name)
        {
            hash = (hash ^ letter) * 0x100000001B3;
        }

        return hash;
    }

    internal static void Fill(Span<byte> unit, ulong owner, long index, uint generation)
    {
        Span<ulong> words = MemoryMarshal.Cast<byte, ulong>(unit);
        words[0] = Magic;
        words[1] = owner;
        words[2] = (ulong)index;
        words[3] = generation;
        ulong value = FastRandom.Mix(owner ^ FastRandom.Mix((ulong)index << 32 | generation));
        for (int i = HeaderWords; i < words.Length; i++)
        {
            words[i] = value;
            value += 0x9E3779B97F4A7C15;
        }
    }

    internal static PatternVerdict Check(ReadOnlySpan<byte> unit, ulong owner, long index, uint generation)
    {
        ReadOnlySpan<ulong> words = MemoryMarshal.Cast<byte, ulong>(unit);
        if (words[0] == Magic && words[1] != owner)
        {
            return PatternVerdict.Foreign;
        }

        if (words[0] != Magic || words[2] != (ulong)index || words[3] != generation)
        {
            return PatternVerdict.Wrong;
        }

        ulong value = FastRandom.Mix(owner ^ FastRandom.Mix((ulong)index << 32 | generation));
        ulong difference = 0;
        for (int i = HeaderWords; i < words.Length; i++)
        {
            difference |= words[i] ^ value;
            value += 0x9E3779B97F4A7C15;
        }

        return difference == 0 ? PatternVerdict.Right : PatternVerdict.Wrong;
    }
}

/// <summary>What a check of a unit found.</summary>
internal enum PatternVerdict : byte
{
    Right,

    /// <summary>Older, newer, torn, or from another place.</summary>
    Wrong,

    /// <summary>Another owner's data.</summary>
    Foreign,
}
