using System.Runtime.InteropServices;

namespace PcieOe.MediaWriter;

/// <summary>What the writer puts into a block: each of its words follows from the block's number and a version, the first is the version.</summary>
public static class WriterPattern
{
    public const int BlockBytes = 4096;

    public static void Fill(Span<byte> block, long number, long version)
    {
        Span<ulong> words = MemoryMarshal.Cast<byte, ulong>(block);
        for (int i = 1; i < words.Length; i++)
        {
            words[i] = Word(number, version, i);
        }

        words[0] = (ulong)version;
    }

    /// <summary>Whether the block is whole, of one version.</summary>
    public static bool TryGetVersion(ReadOnlySpan<byte> block, long number, out long version)
    {
        ReadOnlySpan<ulong> words = MemoryMarshal.Cast<byte, ulong>(block);
        version = (long)words[0];
        if (version == 0)
        {
            return !block.ContainsAnyExcept((byte)0);
        }

        for (int i = 1; i < words.Length; i++)
        {
            if (words[i] != Word(number, version, i))
            {
                return false;
            }
        }

        return true;
    }

    private static ulong Word(long number, long version, int index) =>
        ((ulong)version * 0x9E3779B97F4A7C15) ^ ((ulong)number * 0xC2B2AE3D27D4EB4F) ^ (ulong)index;
}
