using PcieOe.Host.NvmeDriver;
using PcieOe.Host.Tests.NvmeDriver;
using PcieOe.Protocol.Functions;
using PcieOe.Protocol.Hops;
using PcieOe.Protocol.Nvme;
using PcieOe.Transport.Hops;
using Xunit;

namespace PcieOe.Host.Tests.Hops;

/// <summary>Stamps of both daemons put together, in virtual time, on the whole stack but the network.</summary>
public sealed class HopStampTests
{
    private const int Depth = 256;
    private const long Millisecond = BlockDriverHarness.Millisecond;

    [Fact]
    public void DeepQueuesInBatches_EachHeldForATimeOfItsOwn_EveryReportReachesItsCommand()
    {
        using BlockDriverHarness harness = BlockDriverHarness.Ready(new NvmeDriverOptions { PoolBytes = 64 << 20, QueuePairs = 4 });
        using HopHistograms histograms = new();
        SlowestCommands all = new(Depth);
        harness.Hops.BeginWorkload(histograms, all, every: 1);
        harness.Admission.IsHolding = true;
        uint[] samples = new uint[Depth];
        long[] startedAt = new long[Depth];
        harness.Client.OnEnd = (context, _) => harness.Hops.End(samples[context], startedAt[context]);
        nint buffer = Buffer(harness);
        for (int index = 0; index < Depth;)
        {
            for (int together = 0; together <= index % 7 && index < Depth; together++, index++)
            {
                Submit(harness, samples, startedAt, index, buffer);
            }

            harness.Now += 1000;
            harness.Run();
        }

        Assert.Equal(Depth, harness.Admission.Waiting.Count);
        while (harness.Admission.Waiting.Count > 0)
        {
            harness.Now += Millisecond;
            harness.Admission.ReleaseOne(harness.Now);
            harness.Run();
        }

        // Two commands that fall on one place of the target's table cannot both be stamped.
        Assert.InRange(histograms.Count, Depth / 2, Depth - 1);
        Assert.Equal(Depth, harness.Client.Completions);
        double longest = double.MaxValue;
        foreach (SlowCommand command in all.ToList(0))
        {
            double policyWait = command.HopMicroseconds[(int)Hop.PolicyWait];
            Assert.InRange(command.EndToEndMicroseconds - policyWait, 0, 100);
            Assert.All(command.HopMicroseconds, hop => Assert.True(hop >= 0));
            Assert.True(policyWait < longest, "two commands waited alike");
            longest = policyWait;
        }
    }

    [Fact]
    public void DataOfSeveralFrames_Read_LeavesWithItsLastOne()
    {
        using BlockDriverHarness harness = BlockDriverHarness.Ready(windowFrames: 4);
        using HopHistograms histograms = new();
        SlowestCommands all = new(4);
        harness.Hops.BeginWorkload(histograms, all, every: 1);
        nint buffer = Buffer(harness);
        uint[] samples = new uint[2];
        long[] startedAt = new long[2];
        harness.Client.OnEnd = (context, _) => harness.Hops.End(samples[context], startedAt[context]);
        for (int index = 0; index < 2; index++)
        {
            Submit(harness, samples, startedAt, index, buffer, blocks: 32);
            while (harness.Client.Completions <= index)
            {
                harness.Now += 1000;
                harness.Round();
            }
        }

        SlowCommand read = Assert.Single(all.ToList(0));
        Assert.Equal(32 * BlockDriverHarness.BlockBytes, read.Bytes);
        Assert.Equal((byte)NvmOpcode.Read, read.Opcode);
        Assert.True(read.HopMicroseconds[(int)Hop.TargetTransmit] >= 2, "the window let four frames of seventeen go at a time");
        Assert.Equal(read.EndToEndMicroseconds, read.HopMicroseconds.Sum(), 3);
    }

    [Fact]
    public void NobodyAsks_CommandsRun_NoMessageIsSent()
    {
        using BlockDriverHarness harness = BlockDriverHarness.Ready();
        nint buffer = Buffer(harness);
        harness.Do(new BlockCommand { NamespaceId = 1, Blocks = 1, Buffer = buffer });
        Assert.Equal(0, harness.Port.Counters.Messages);
    }

    [Fact]
    public void SessionLostMeanwhile_CommandsGoOn_NothingFalseIsRecorded()
    {
        using BlockDriverHarness harness = BlockDriverHarness.Ready();
        using HopHistograms histograms = new();
        harness.Hops.BeginWorkload(histograms, null, every: 1);
        harness.Admission.IsHolding = true;
        uint[] samples = new uint[32];
        long[] startedAt = new long[32];
        harness.Client.OnEnd = (context, _) => harness.Hops.End(samples[context], startedAt[context]);
        nint buffer = Buffer(harness);
        for (int index = 0; index < 8; index++)
        {
            Submit(harness, samples, startedAt, index, buffer);
        }

        harness.Run();
        harness.Admission.IsHolding = false;
        harness.Connect(FunctionResetKind.StateLost);
        harness.Advance(100);
        Assert.Equal(8, harness.Client.Completions);
        Assert.Equal(0, histograms.Count);
        for (int index = 8; index < 32; index++)
        {
            Submit(harness, samples, startedAt, index, buffer);
            harness.Run();
        }

        Assert.Equal(23, histograms.Count);
    }

    [Fact]
    public void EveryCommandSampled_SteadyState_AllocatesNothing()
    {
        const int Together = 20;
        using BlockDriverHarness harness = BlockDriverHarness.Ready();
        nint buffer = Buffer(harness);
        uint[] samples = new uint[Together];
        long[] startedAt = new long[Together];
        harness.Client.OnEnd = (context, _) => harness.Hops.End(samples[context], startedAt[context]);
        long before = 0;
        for (int batch = 0; batch < 600; batch++)
        {
            if (batch == 100)
            {
                before = GC.GetAllocatedBytesForCurrentThread();
            }

            for (int index = 0; index < Together; index++)
            {
                Submit(harness, samples, startedAt, index, buffer);
            }

            harness.Now += 1000;
            harness.Run();
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        // All but those whose leaving is yet to be told, and those that shared a place of the target's table.
        Assert.InRange(harness.Hops.Totals.Count, 9_000, 600 * Together - 1);
    }

    private static nint Buffer(BlockDriverHarness harness)
    {
        Assert.True(harness.Driver.Pool.TryAllocate(32 * BlockDriverHarness.BlockBytes, out nint buffer));
        return buffer;
    }

    private static void Submit(BlockDriverHarness harness, uint[] samples, long[] startedAt, int index, nint buffer, uint blocks = 1)
    {
        startedAt[index] = harness.Hops.Now();
        samples[index] = harness.Hops.Begin();
        BlockCommand command = new() { NamespaceId = 1, Lba = (ulong)index, Blocks = blocks, Buffer = buffer, Context = (ulong)index, Sample = samples[index] };
        Assert.True(harness.Driver.TrySubmit(command, harness.Now));
    }
}
