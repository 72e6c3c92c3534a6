using PcieOe.Transport.Histograms;
using PcieOe.Transport.Polling;

namespace PcieOe.Cli.LinkBench.Scenarios;

/// <summary>The shortest way there and back that the port has: a frame, answered by another that lies ready.</summary>
internal static class FloorRoundTrip
{
    private const long PatienceNanoseconds = 20_000_000;

    internal static BenchOutcome Initiate(BenchContext context)
    {
        using RawFrame request = new(context.Peer, context.Port.Address, context.Order.RequestBytes, 1, isSplit: false);
        using LatencyHistogram histogram = new();
        long losses = 0;
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (long now = MonotonicClock.Nanoseconds; now < context.End;)
        {
            long sent = now;
            context.Port.Send(request.Batch);
            int count;
            do
            {
                count = context.Port.Receive(context.Received);
                context.Port.Release();
                now = MonotonicClock.Nanoseconds;
            }
            while (count == 0 && now - sent < PatienceNanoseconds);

            if (count == 0)
            {
                losses++;
            }
            else
            {
                histogram.Record(now - sent);
            }
        }

        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        return new BenchOutcome { RoundTrip = LatencySummary.Of(histogram), Frames = histogram.Count, Losses = losses, AllocatedBytes = allocated };
    }

    internal static BenchOutcome Answer(BenchContext context)
    {
        using RawFrame reply = new(context.Peer, context.Port.Address, context.Order.ReplyBytes, 1, isSplit: false);
        long frames = 0;
        while (!context.IsStopped)
        {
            int count = context.Port.Receive(context.Received);
            context.Port.Release();
            for (int i = 0; i < count; i++)
            {
                context.Port.Send(reply.Batch);
                frames++;
            }
        }

        return new BenchOutcome { Frames = frames };
    }
}
