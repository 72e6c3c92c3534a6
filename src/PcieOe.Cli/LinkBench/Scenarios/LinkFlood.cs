using PcieOe.Protocol.Frames;
using PcieOe.Protocol.Keys;
using PcieOe.Protocol.Link;
using PcieOe.Protocol.Tlp;
using PcieOe.Transport.Polling;

namespace PcieOe.Cli.LinkBench.Scenarios;

/// <summary>As many TLPs as go one way, over one session or several at once: writes of 4 KiB, and a shorter one to fill each frame.</summary>
internal static class LinkFlood
{
    private const long DrainNanoseconds = 300_000_000;

    internal static BenchOutcome Initiate(BenchContext context)
    {
        using LinkNode node = new(context, _ => new SerialSink(), MonotonicClock.Nanoseconds);
        using TlpFiller filler = new(node.Engines[0].MaximumTlpBytes, node.Engines.Length);
        long before = GC.GetAllocatedBytesForCurrentThread();
        long now = MonotonicClock.Nanoseconds;
        for (; now < context.End; now = MonotonicClock.Nanoseconds)
        {
            node.Receive(now);
            node.Send(now, filler);
        }

        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        for (long end = now + DrainNanoseconds; now < end && !IsDrained(node); now = MonotonicClock.Nanoseconds)
        {
            node.Receive(now);
            node.Send(now);
        }

        return new BenchOutcome { Losses = node.Retransmissions, AllocatedBytes = allocated, Error = IsDrained(node) ? null : "the link did not drain" };
    }

    internal static BenchOutcome Answer(BenchContext context)
    {
        SerialSink[] sinks = [.. Enumerable.Range(0, context.Order.Sessions).Select(_ => new SerialSink())];
        using LinkNode node = new(context, i => sinks[i], MonotonicClock.Nanoseconds);
        long before = GC.GetAllocatedBytesForCurrentThread();
        while (!context.IsStopped)
        {
            long now = MonotonicClock.Nanoseconds;
            node.Receive(now);
            node.Send(now);
        }

        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        int overhead = FrameHeader.Length + (context.Order.IsKeyed ? FrameCipher.TagBytes : FrameCheck.Length);
        long bytes = sinks.Sum(sink => sink.Bytes);
        long frames = sinks.Sum(sink => sink.Frames);
        return new BenchOutcome
        {
            Frames = frames,
            TlpBytes = bytes,
            EthernetPayloadBytes = bytes + frames * overhead,
            Nanoseconds = sinks.Max(sink => sink.Last) - sinks.Min(sink => sink.First),
            AllocatedBytes = allocated,
            Error = sinks.All(sink => sink.IsInOrder) ? null : "TLPs came out of order",
        };
    }

    private static bool IsDrained(LinkNode node)
    {
        foreach (LinkEngine engine in node.Engines)
        {
            if (!engine.IsDrained)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Fills frames to the brim.</summary>
    private sealed class TlpFiller : ILaneSource, IDisposable
    {
        private const int LongTlpBytes = TlpTemplate.HeaderBytes + TlpLimits.MaximumPayloadBytes;

        private readonly TlpTemplate[] _frame;
        private readonly ulong[] _serialNumbers;

        internal TlpFiller(int frameBytes, int sessions)
        {
            List<TlpTemplate> frame = [];
            for (int left = frameBytes; left >= TlpTemplate.MinimumBytes; left -= frame[^1].Bytes)
            {
                frame.Add(new TlpTemplate(Math.Min(left, LongTlpBytes)));
            }

            _frame = [.. frame];
            _serialNumbers = new ulong[sessions];
        }

        public void Fill(LinkEngine engine, int session, int frames)
        {
            for (int i = 0; i < frames; i++)
            {
                foreach (TlpTemplate template in _frame)
                {
                    Span<byte> tlp = engine.Reserve(template.Bytes);
                    if (tlp.IsEmpty)
                    {
                        return;
                    }

                    template.Write(tlp, _serialNumbers[session]++);
                    engine.Commit(template.Bytes);
                }
            }
        }

        public void Dispose()
        {
            foreach (TlpTemplate template in _frame)
            {
                template.Dispose();
            }
        }
    }

    /// <summary>Counts, and sees that the first TLP of each frame comes after that of the frame before.</summary>
    private sealed class SerialSink : ITlpSink
    {
        private ulong _next;

        internal long Frames { get; private set; }

        internal long Bytes { get; private set; }

        internal long First { get; private set; } = long.MaxValue;

        internal long Last { get; private set; }

        internal bool IsInOrder { get; private set; } = true;

        public void OnTlps(ReadOnlySpan<byte> tlps, ulong frameNumber, long now)
        {
            ulong serialNumber = TlpTemplate.SerialNumberOf(tlps);
            IsInOrder &= serialNumber >= _next;
            _next = serialNumber + 1;
            Frames++;
            Bytes += tlps.Length;
            First = Math.Min(First, now);
            Last = now;
        }
    }
}
