using PcieOe.Protocol.Frames;
using PcieOe.Protocol.Keys;
using PcieOe.Protocol.Link;

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
                    return Measurement.Take($"link/{mode}-frame-{bytes}-bytes", FramesInACall, _ => wire.Flood(FramesInACall, bytes));
                });
            }

            yield return new Benchmark($"link/{mode}-there-and-back-64-bytes", () =>
            {
                using var wire = new Wire(keyed);
                return Measurement.Take($"link/{mode}-there-and-back-64-bytes", FramesInACall, _ => wire.PingPong(FramesInACall, 64));
            });
        }
    }

    private sealed class Wire : ITlpSink, ILinkControlSink, IDisposable
    {
        private readonly LinkEngine _a;
        private readonly LinkEngine _b;
        private readonly FrameCipher? _first;
        private readonly FrameCipher? _second;
        private readonly byte[] _frame = new byte[LinkOptions.MaximumMtu];
        private readonly byte[] _scratch = new byte[LinkOptions.MaximumMtu];
        private long _now = 1;

        public Wire(bool keyed)
        {
            if (keyed)
            {
                byte[] there = new byte[FrameCipher.SecretBytes], back = new byte[FrameCipher.SecretBytes];
                back[0] = 1;
                _first = new FrameCipher(there, back);
                _second = new FrameCipher(back, there);
            }

            _a = new LinkEngine(new LinkOptions(), _first, 1, this, this, _now);
            _b = new LinkEngine(new LinkOptions(), _second, 2, this, this, _now);
        }

        public long Delivered { get; private set; }

        public void Flood(int frames, int bytes)
        {
            long end = Delivered + (long)frames * bytes;
            int put = 0;
            while (Delivered < end)
            {
                for (int i = 0; i < FramesInARound && put < frames && Put(_a, bytes); i++)
                {
                    put++;
                    Carry(_a, _b);
                }

                Carry(_b, _a);
                Pass(1000);
            }
        }

        public void PingPong(int roundTrips, int bytes)
        {
            for (int i = 0; i < roundTrips; i++)
            {
                Put(_a, bytes);
                Carry(_a, _b);
                Put(_b, bytes);
                Carry(_b, _a);
                Pass(4000);
            }
        }

        public void Dispose()
        {
            _a.Dispose();
            _b.Dispose();
            _first?.Dispose();
            _second?.Dispose();
        }

        public void OnTlps(ReadOnlySpan<byte> tlps, ulong frameNumber, long now) => Delivered += tlps.Length;

        public void OnControl(FrameType type, ReadOnlySpan<byte> content, in FrameHeader header, long now)
        {
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

        private void Carry(LinkEngine from, LinkEngine to)
        {
            while (from.TryGetFrameToSend(_now, _frame, _scratch, out ReadOnlySpan<byte> content))
            {
                content.CopyTo(_frame.AsSpan(FrameHeader.Length));
                to.OnFrame(_frame.AsSpan(0, FrameHeader.Length + content.Length), _now);
            }
        }

        private void Pass(long nanoseconds)
        {
            _now += nanoseconds;
            if (_now >= _a.NextDeadline)
            {
                _a.OnTimer(_now);
            }

            if (_now >= _b.NextDeadline)
            {
                _b.OnTimer(_now);
            }
        }
    }
}
