using PcieOe.Protocol.Frames;
using PcieOe.Protocol.Keys;
using PcieOe.Protocol.Link;
using Xunit;

namespace PcieOe.Protocol.Tests.Link;

public sealed class AllocationTests
{
    private const int Rounds = 10_000;

    /// <summary>The runtime itself allocates a little while it replaces instrumented code by faster code; an engine that did would never stop.</summary>
    private const int MostWarmUpRuns = 10;

    /// <summary>Both directions, with every tenth frame lost, so that every path of the engine is taken.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Frames_InSteadyState_AllocateNothing(bool keyed)
    {
        using var wire = new Wire(keyed);
        long allocated = -1;
        for (int run = 0; run <= MostWarmUpRuns && allocated != 0; run++)
        {
            long frames = wire.Frames;
            long before = GC.GetAllocatedBytesForCurrentThread();
            wire.Run(Rounds);
            allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            Assert.InRange(wire.Frames - frames, Rounds, long.MaxValue);
        }

        Assert.Equal(0, allocated);
        Assert.NotEqual(0, wire.Retransmits);
    }

    private sealed class Wire : ITlpSink, ILinkControlSink, IDisposable
    {
        private readonly FrameCipher? _cipherOfA;
        private readonly FrameCipher? _cipherOfB;
        private readonly LinkEngine _a;
        private readonly LinkEngine _b;
        private readonly byte[] _frame = new byte[LinkOptions.MaximumMtu];
        private readonly byte[] _scratch = new byte[LinkOptions.MaximumMtu];
        private long _now = 1;

        public Wire(bool keyed)
        {
            if (keyed)
            {
                byte[] there = new byte[FrameCipher.SecretBytes], back = new byte[FrameCipher.SecretBytes];
                back[0] = 1;
                _cipherOfA = new FrameCipher(there, back);
                _cipherOfB = new FrameCipher(back, there);
            }

            _a = new LinkEngine(new LinkOptions(), _cipherOfA, 1, this, this, _now);
            _b = new LinkEngine(new LinkOptions(), _cipherOfB, 2, this, this, _now);
        }

        public long Frames { get; private set; }

        public long Retransmits => _a.Counters.FastRetransmits + _b.Counters.FastRetransmits;

        public void Run(int rounds)
        {
            for (int i = 0; i < rounds; i++)
            {
                Put(_a);
                Put(_b);
                Carry(_a, _b);
                Carry(_b, _a);
                _now += 10_000;
                _a.OnTimer(_now);
                _b.OnTimer(_now);
            }
        }

        public void OnTlps(ReadOnlySpan<byte> tlps, ulong frameNumber, long now)
        {
        }

        public void OnControl(FrameType type, ReadOnlySpan<byte> content, in FrameHeader header, long now)
        {
        }

        public void Dispose()
        {
            _a.Dispose();
            _b.Dispose();
            _cipherOfA?.Dispose();
            _cipherOfB?.Dispose();
        }

        private static void Put(LinkEngine engine)
        {
            engine.TryQueueControl(FrameType.Feedback, "12345"u8);
            for (int i = 0; i < 3; i++)
            {
                Span<byte> room = engine.Reserve(4112);
                if (!room.IsEmpty)
                {
                    engine.Commit(room.Length);
                }
            }
        }

        private void Carry(LinkEngine from, LinkEngine to)
        {
            while (from.TryGetFrameToSend(_now, _frame, _scratch, out ReadOnlySpan<byte> content))
            {
                if (++Frames % 10 != 0)
                {
                    content.CopyTo(_frame.AsSpan(FrameHeader.Length));
                    to.OnFrame(_frame.AsSpan(0, FrameHeader.Length + content.Length), _now);
                }
            }
        }
    }
}
