using System.Buffers.Binary;
using PcieOe.Protocol.Functions;

namespace PcieOe.Host.RootComplex;

/// <summary>What region reads are answered with while the function cannot be asked: its own description, and 0 elsewhere.</summary>
internal static class UnreachableAnswers
{
    public static void Fill(BridgeHints hints, int bar, ulong offset, Span<byte> destination)
    {
        destination.Clear();
        Span<byte> value = stackalloc byte[4];

        // By index: enumerating an interface would allocate.
        for (int entry = 0; entry < hints.UnreachableAnswers.Count; entry++)
        {
            UnreachableAnswer answer = hints.UnreachableAnswers[entry];
            if (answer.Bar != bar)
            {
                continue;
            }

            for (int index = 0; index < answer.Values.Count; index++)
            {
                long at = (long)answer.OffsetBytes + index * 4 - (long)offset;
                if (at <= -4 || at >= destination.Length)
                {
                    continue;
                }

                BinaryPrimitives.WriteUInt32LittleEndian(value, answer.Values[index]);
                int skipped = (int)Math.Max(0, -at);
                int count = (int)Math.Min(4 - skipped, destination.Length - at - skipped);
                value.Slice(skipped, count).CopyTo(destination[(int)(at + skipped)..]);
            }
        }
    }
}
