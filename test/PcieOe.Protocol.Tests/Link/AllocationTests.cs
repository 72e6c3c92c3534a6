using PcieOe.Protocol.Frames;
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
        using var wire = new Wire(keyed, loseEvery: 10);
        long allocated = -1;
        for (int run = 0; run <= MostWarmUpRuns && allocated != 0; run++)
        {
            long frames = wire.Frames;
            long before = GC.GetAllocatedBytesForCurrentThread();
            Run(wire);
            allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            Assert.InRange(wire.Frames - frames, Rounds, long.MaxValue);
        }

        Assert.Equal(0, allocated);
        Assert.NotEqual(0, wire.A.Counters.FastRetransmits + wire.B.Counters.FastRetransmits);
    }

    private static void Run(Wire wire)
    {
        for (int i = 0; i < Rounds; i++)
        {
            Put(wire.A);
            Put(wire.B);
            wire.Carry(wire.A, wire.B);
            wire.Carry(wire.B, wire.A);
            wire.Pass(10_000);
        }
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
}
