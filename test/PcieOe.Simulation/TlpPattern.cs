using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace PcieOe.Simulation;

/// <summary>
/// The TLPs of the simulation: flow id, index, then words that follow from both. Their lengths follow too, so a receiver knows what must
/// come. Most are short, as doorbells and completion entries are; a few are as long as they may be.
/// </summary>
internal static class TlpPattern
{
    public const int HeaderBytes = 8;

    private const int LeastBytes = 12;

    public static int LengthOf(uint flow, long index, int longest)
    {
        ulong random = SimulationRandom.Mix((ulong)flow << 32 ^ (ulong)index);
        int words = (random & 63) switch
        {
            0 => longest / 4,
            < 4 => 64 + (int)(random >> 8 & 63),
            _ => LeastBytes / 4 + (int)(random >> 8 & 15),
        };
        return Math.Min(words * 4, longest);
    }

    public static void Write(Span<byte> tlp, uint flow, long index)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(tlp, flow);
        BinaryPrimitives.WriteUInt32LittleEndian(tlp[4..], (uint)index);
        Fill(tlp[HeaderBytes..], flow, index);
    }

    /// <summary>Writes the words that follow from a flow and an index.</summary>
    public static void Fill(Span<byte> words, uint flow, long index)
    {
        uint word = Seed(flow, index);
        foreach (ref uint value in MemoryMarshal.Cast<byte, uint>(words))
        {
            value = word;
            word = Step(word);
        }
    }

    /// <summary>Whether everything behind the TLP's flow and index is as it was written.</summary>
    public static bool IsIntact(ReadOnlySpan<byte> tlp, uint flow, long index) => IsFilled(tlp[HeaderBytes..], flow, index);

    /// <summary>Whether the words are those that <see cref="Fill"/> writes.</summary>
    public static bool IsFilled(ReadOnlySpan<byte> words, uint flow, long index)
    {
        uint word = Seed(flow, index);
        foreach (uint value in MemoryMarshal.Cast<byte, uint>(words))
        {
            if (value != word)
            {
                return false;
            }

            word = Step(word);
        }

        return true;
    }

    private static uint Seed(uint flow, long index) => (uint)SimulationRandom.Mix((ulong)index << 32 ^ flow);

    private static uint Step(uint word) => word * 1_664_525 + 1_013_904_223;
}
