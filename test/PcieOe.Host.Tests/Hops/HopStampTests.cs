using PcieOe.Host.Hops;
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
        using WorkloadHops histograms = new(seconds: 1);
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
        using WorkloadHops histograms = new(seconds: 1);
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
    public void KernelsTimestampsKnown_FramesLayInThePorts_PartsAddUpToTheirHops()
    {
        using BlockDriverHarness harness = BlockDriverHarness.Ready();
        using WorkloadHops hops = new(seconds: 1);
        harness.Hops.BeginWorkload(hops, null, every: 1);
        uint[] samples = new uint[3];
        long[] startedAt = new long[3];
        harness.Client.OnEnd = (context, _) => harness.Hops.End(samples[context], startedAt[context]);
        nint buffer = Buffer(harness);
        for (int index = 0; index < samples.Length; index++)
        {
            Submit(harness, samples, startedAt, index, buffer);
            harness.Driver.Pump(harness.Now);
            harness.Port.Pump(harness.Now);
            harness.Hops.OnLeaving(harness.ToFunction.LastMark);
            harness.Now += 5000;
            harness.TargetArrivals.OnFrame(harness.Now - 2000 + BlockDriverHarness.RealtimeAhead);
            harness.ToFunction.Deliver(harness.Bridge, harness.Now);
            harness.Bridge.Pump(harness.Now);
            harness.TargetHops.OnLeaving(harness.ToHost.LastMark);
            harness.Now += 7000;
            harness.Hops.Arrivals!.OnFrame(harness.Now - 3000 + BlockDriverHarness.RealtimeAhead);
            harness.Round();
        }

        using LabelledHops byLabel = hops.ByLabel();
        using HopHistograms all = byLabel.Merge();
        Assert.Equal(2, all.Count);
        Assert.Equal([("wire-out", "kernel", 3.0), ("wire-out", "daemon", 2.0), ("wire-back", "kernel", 4.0), ("wire-back", "daemon", 3.0)],
            all.Parts().Select(part => (part.Hop!, part.Name, Math.Round(part.P50Microseconds, 1))));
        Assert.Equal(0, all.ResidualMicroseconds);
    }

    [Fact]
    public void CommandsOfSeveralKinds_OneMeetsALostFrame_AreCountedApartAndTogether()
    {
        using BlockDriverHarness harness = BlockDriverHarness.Ready();
        using WorkloadHops hops = new(seconds: 1);
        harness.Hops.BeginWorkload(hops, null, every: 1);
        const int Commands = 31;
        uint[] samples = new uint[Commands];
        long[] startedAt = new long[Commands];
        harness.Client.OnEnd = (context, _) => harness.Hops.End(samples[context], startedAt[context]);
        nint buffer = Buffer(harness);
        for (int index = 0; index < Commands; index++)
        {
            Submit(harness, samples, startedAt, index, buffer, blocks: index % 3 == 0 ? 2u : 1u, isWrite: index % 2 == 0);
            harness.FramesLost += index == 10 ? 1 : 0;
            harness.Run();
        }

        using LabelledHops byLabel = hops.ByLabel();
        Dictionary<HopLabels, long> counts = Enumerable.Range(0, byLabel.Count).ToDictionary(index => byLabel[index].Labels, index => byLabel[index].Histograms.Count);
        Dictionary<HopLabels, long> expected = Enumerable.Range(0, Commands - 1)
            .GroupBy(index => new HopLabels("tenant", 0, (byte)(index % 2 == 0 ? NvmOpcode.Write : NvmOpcode.Read), index % 3 == 0 ? 8192 : 4096, index == 10))
            .ToDictionary(group => group.Key, group => (long)group.Count());
        Assert.Equal(expected.OrderBy(entry => entry.Key.ToString()), counts.OrderBy(entry => entry.Key.ToString()));
        Assert.Equal(Commands - 1, hops.Count);
        Assert.Equal(hops.Count, hops.Intervals.Sum(interval => interval.Count));
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
        using WorkloadHops histograms = new(seconds: 1);
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
        Assert.InRange(harness.Hops.Recorder.Totals.Sampled, 9_000, 600 * Together - 1);
    }

    private static nint Buffer(BlockDriverHarness harness)
    {
        Assert.True(harness.Driver.Pool.TryAllocate(32 * BlockDriverHarness.BlockBytes, out nint buffer));
        return buffer;
    }

    private static void Submit(BlockDriverHarness harness, uint[] samples, long[] startedAt, int index, nint buffer, uint blocks = 1, bool isWrite = false)
    {
        startedAt[index] = harness.Hops.Now();
        samples[index] = harness.Hops.Begin();
        BlockCommand command = new()
        {
            Operation = isWrite ? BlockOperation.Write : BlockOperation.Read,
            NamespaceId = 1,
            Lba = (ulong)index,
            Blocks = blocks,
            Buffer = buffer,
            Context = (ulong)index,
            Sample = samples[index],
        };
        Assert.True(harness.Driver.TrySubmit(command, harness.Now));
    }
}
