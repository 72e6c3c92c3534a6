using PcieOe.Protocol.Link;
using PcieOe.Transport.Histograms;
using PcieOe.Transport.Polling;

namespace PcieOe.Cli.LinkBench.Scenarios;

/// <summary>A TLP of 64 bytes through the link, and an equal one back.</summary>
internal static class LinkRoundTrip
{
    private const int TlpBytes = 64;

    internal static BenchOutcome Initiate(BenchContext context)
    {
        CountingSink sink = new();
        using LinkNode node = new(context, _ => sink, MonotonicClock.Nanoseconds);
        using TlpTemplate template = new(TlpBytes);
        using LatencyHistogram histogram = new();
        LinkEngine engine = node.Engines[0];
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (long now = MonotonicClock.Nanoseconds; now < context.End;)
        {
            long sent = now;
            long awaited = sink.Tlps + 1;
            template.Write(engine.Reserve(TlpBytes), (ulong)awaited);
            engine.Commit(TlpBytes);
            node.Send(now);
            do
            {
                // The time of the round is that of its end before: reading the clock once is what the daemons do.
                node.Receive(now);
                now = MonotonicClock.Nanoseconds;
                if (sink.Tlps < awaited && engine.NextDeadline <= now)
                {
                    node.Send(now);
                }
            }
            while (sink.Tlps < awaited && now < context.End);

            if (sink.Tlps == awaited)
            {
                histogram.Record(now - sent);
            }
        }

        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        return new BenchOutcome
        {
            RoundTrip = LatencySummary.Of(histogram),
            Frames = histogram.Count,
            Losses = node.Retransmissions,
            AllocatedBytes = allocated,
        };
    }

    internal static BenchOutcome Answer(BenchContext context)
    {
        EchoSink sink = new();
        using LinkNode node = new(context, _ => sink, MonotonicClock.Nanoseconds);
        sink.Transmitter = node.Engines[0];
        while (!context.IsStopped)
        {
            long now = MonotonicClock.Nanoseconds;
            node.Receive(now);
            node.Send(now);
        }

        return new BenchOutcome { Frames = sink.Frames, Losses = node.Retransmissions };
    }

    private sealed class EchoSink : ITlpSink
    {
        internal LinkEngine? Transmitter { get; set; }

        internal long Frames { get; private set; }

        public void OnTlps(ReadOnlySpan<byte> tlps, ulong frameNumber, long now)
        {
            Frames++;
            tlps.CopyTo(Transmitter!.Reserve(tlps.Length));
            Transmitter.Commit(tlps.Length);
        }
    }

    private sealed class CountingSink : ITlpSink
    {
        internal long Tlps { get; private set; }

        public void OnTlps(ReadOnlySpan<byte> tlps, ulong frameNumber, long now) => Tlps += tlps.Length / TlpBytes;
    }
}
