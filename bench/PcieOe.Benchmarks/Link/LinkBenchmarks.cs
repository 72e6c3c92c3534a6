using PcieOe.Protocol.Link;
using PcieOe.Protocol.Tests.Link;

namespace PcieOe.Benchmarks.Link;

/// <summary>
/// Two engines on one thread, joined by a copy for each frame (what a port does). The figure is for one data frame: reserve, commit, build,
/// copy, receive, deliver, and its share of acknowledgements.
/// </summary>
internal static class LinkBenchmarks
{
    private const int FramesInARound = 8;
    private const int FramesInACall = 64;

    public static IEnumerable<Benchmark> All()
    {
        foreach (bool keyed in (bool[])[false, true])
        {
            string mode = keyed ? "keyed" : "clear";
            foreach (int bytes in (int[])[16, 64, 1436, 4112, 8224, 8936])
            {
                yield return new Benchmark($"link/{mode}-frame-{bytes}-bytes", () =>
                {
                    using var wire = new Wire(keyed);
                    return Measurement.Take($"link/{mode}-frame-{bytes}-bytes", FramesInACall, _ => Flood(wire, FramesInACall, bytes));
                });
            }

            yield return new Benchmark($"link/{mode}-there-and-back-64-bytes", () =>
            {
                using var wire = new Wire(keyed);
                return Measurement.Take($"link/{mode}-there-and-back-64-bytes", FramesInACall, _ => PingPong(wire, FramesInACall, 64));
            });
        }
    }

    private static void Flood(Wire wire, int frames, int bytes)
    {
        long end = wire.Delivered + (long)frames * bytes;
        int put = 0;
        while (wire.Delivered < end)
        {
            for (int i = 0; i < FramesInARound && put < frames && Put(wire.A, bytes); i++)
            {
                put++;
                wire.Carry(wire.A, wire.B);
            }

            wire.Carry(wire.B, wire.A);
            wire.Pass(1000);
        }
    }

    private static void PingPong(Wire wire, int roundTrips, int bytes)
    {
        for (int i = 0; i < roundTrips; i++)
        {
            Put(wire.A, bytes);
            wire.Carry(wire.A, wire.B);
            Put(wire.B, bytes);
            wire.Carry(wire.B, wire.A);
            wire.Pass(4000);
        }
    }

    private static bool Put(LinkEngine engine, int bytes)
    {
        Span<byte> room = engine.Reserve(bytes);
        if (room.IsEmpty)
        {
            return false;
        }

        room[0] = 1;
        engine.Commit(bytes);
        return true;
    }
}
