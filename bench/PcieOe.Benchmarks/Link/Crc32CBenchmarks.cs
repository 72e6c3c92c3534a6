using PcieOe.Protocol.Frames;

namespace PcieOe.Benchmarks.Link;

/// <summary>The check of frames in the clear.</summary>
internal static class Crc32CBenchmarks
{
    private const int Repetitions = 16;

    private static uint _sink;

    public static IEnumerable<Benchmark> All()
    {
        foreach (int length in (int[])[64, 256, 1448, 4112, 8948])
        {
            byte[] bytes = new byte[length];
            new Random(length).NextBytes(bytes);
            yield return new Benchmark($"crc32c/{length}-bytes", () => Measurement.Take($"crc32c/{length}-bytes", Repetitions, _ =>
            {
                for (int i = 0; i < Repetitions; i++)
                {
                    _sink ^= Crc32C.Compute(bytes);
                }
            }));
        }

        byte[] header = new byte[FrameHeader.Length];
        byte[] check = new byte[FrameCheck.Length];
        yield return new Benchmark("crc32c/header-joined-to-known-content", () => Measurement.Take("crc32c/header-joined-to-known-content", Repetitions, _ =>
        {
            for (int i = 0; i < Repetitions; i++)
            {
                FrameCheck.Write(header, _sink, 8948, check);
                _sink ^= check[0];
            }
        }));
    }
}
