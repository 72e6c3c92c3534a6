using PcieOe.Protocol.Ethernet;
using PcieOe.Transport.Polling;

namespace PcieOe.Cli.LinkBench.Scenarios;

/// <summary>The most that the port carries one way: full frames, several to a call, and a receiver that only counts.</summary>
internal static class FloorFlood
{
    private const int FramesToACall = 32;

    internal static BenchOutcome Initiate(BenchContext context)
    {
        using RawFrame frames = new(context.Peer, context.Port.Address, context.Order.RequestBytes, FramesToACall, isSplit: true);
        long sent = 0;
        long before = GC.GetAllocatedBytesForCurrentThread();
        while (MonotonicClock.Nanoseconds < context.End)
        {
            sent += context.Port.Send(frames.Batch);
        }

        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        return new BenchOutcome { Frames = sent, AllocatedBytes = allocated };
    }

    internal static BenchOutcome Answer(BenchContext context)
    {
        long frames = 0;
        long bytes = 0;
        long first = 0;
        long last = 0;
        long dropsBefore = context.Port.Counters.ReceiveDrops;
        long before = GC.GetAllocatedBytesForCurrentThread();
        while (!context.IsStopped)
        {
            int count = context.Port.Receive(context.Received);
            if (count == 0)
            {
                continue;
            }

            for (int i = 0; i < count; i++)
            {
                bytes += context.Received[i].Length - EthernetHeader.UntaggedLength;
            }

            context.Port.Release();
            frames += count;
            last = MonotonicClock.Nanoseconds;
            first = first == 0 ? last : first;
        }

        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        return new BenchOutcome
        {
            Frames = frames,
            EthernetPayloadBytes = bytes,
            Nanoseconds = last - first,
            Losses = context.Port.Counters.ReceiveDrops - dropsBefore,
            AllocatedBytes = allocated,
        };
    }
}
