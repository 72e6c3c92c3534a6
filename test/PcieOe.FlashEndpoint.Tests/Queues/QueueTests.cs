using PcieOe.FlashEndpoint.Tests.Harness;
using PcieOe.Protocol.Nvme;
using Xunit;

namespace PcieOe.FlashEndpoint.Tests.Queues;

public sealed class QueueTests
{
    private static readonly SubmissionEntry Flush = ControllerHarness.IoEntry(NvmOpcode.Flush);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Queues_GoneRoundSeveralTimes_KeepOrderAndPhase(bool inMemoryBuffer)
    {
        using ControllerHarness harness = ControllerHarness.Ready(out _, ControllerHarness.MakeOptions(1 << 20));
        TestQueue io = harness.CreateQueuePair(2, 5, inMemoryBuffer);
        for (int i = 0; i < 37; i++)
        {
            ushort first = harness.Put(io, Flush);
            ushort second = harness.Submit(io, Flush);
            CompletionEntry entry = harness.Wait(io);
            Assert.Equal(first, entry.CommandId);
            Assert.Equal(2, entry.SubmissionQueueId);
            Assert.Equal(second, harness.Wait(io).CommandId);
        }

        Assert.True(harness.Function.IsIdle);
    }

    [Fact]
    public void Entries_SubmittedTogether_AreFetchedByFewReads()
    {
        using ControllerHarness harness = ControllerHarness.Ready(out TestQueue io);
        harness.Host.ReadLog.Clear();
        for (int i = 0; i < 40; i++)
        {
            harness.Put(io, Flush);
        }

        harness.Ring(io);
        Assert.Equal([(io.SubmissionAddress, 1024), (io.SubmissionAddress + 1024, 1024), (io.SubmissionAddress + 2048, 512)], harness.Host.ReadLog);
        for (int i = 0; i < 40; i++)
        {
            Assert.Equal(NvmeStatus.Success, harness.Wait(io).Status);
        }
    }

    [Fact]
    public void Entries_InTheMemoryBuffer_AreTakenWithoutAnyRead()
    {
        using ControllerHarness harness = ControllerHarness.Ready(out TestQueue io, ControllerHarness.MakeOptions(1 << 20), inMemoryBuffer: true);
        harness.Host.ReadLog.Clear();
        Assert.Equal(NvmeStatus.Success, harness.Run(io, Flush).Status);
        Assert.Empty(harness.Host.ReadLog);
    }

    [Fact]
    public void FetchesOfOneQueue_AnsweredOutOfOrder_KeepTheOrderOfTheQueue()
    {
        using ControllerHarness harness = ControllerHarness.Ready(out TestQueue io);
        var ids = new List<ushort>();
        for (int i = 0; i < 48; i++)
        {
            ids.Add(harness.Submit(io, Flush));
        }

        Assert.True(harness.Host.PendingReads > 1);
        harness.Host.Disorder = new Random(3);
        harness.Host.AnswerReads(harness.Now);
        harness.Host.Disorder = null;
        foreach (ushort id in ids)
        {
            Assert.Equal(id, harness.Wait(io).CommandId);
        }
    }

    [Fact]
    public void CompletionQueue_NotEmptied_HoldsUpItsOwnQueueAlone()
    {
        using ControllerHarness harness = ControllerHarness.Ready(out _);
        TestQueue full = harness.CreateQueuePair(2, 16);
        TestQueue other = harness.CreateQueuePair(3, 16);
        for (int i = 0; i < 15; i++)
        {
            harness.Put(full, Flush);
        }

        harness.Ring(full);
        harness.Settle();
        for (int i = 0; i < 10; i++)
        {
            harness.Put(full, Flush);
        }

        harness.Ring(full);
        harness.Settle();
        Assert.Equal(NvmeStatus.Success, harness.Run(other, Flush).Status);
        Assert.False(harness.Host.Bytes(full.CompletionAddress + 15 * 16, 16).ContainsAnyExcept((byte)0));

        for (int i = 0; i < 25; i++)
        {
            Assert.Equal(NvmeStatus.Success, harness.Wait(full).Status);
        }
    }

    [Fact]
    public void TwoQueues_OnOneCompletionQueue_ShareIt()
    {
        using ControllerHarness harness = ControllerHarness.Ready(out TestQueue io);
        ulong page = harness.AllocatePages(1);
        SubmissionEntry create = ControllerHarness.AdminEntry(AdminOpcode.CreateSubmissionQueue) with
        {
            Prp1 = page,
            CommandDword10 = 15u << 16 | 4,
            CommandDword11 = 1u << 16 | 1,
        };
        Assert.Equal(NvmeStatus.Success, harness.RunAdmin(create).Status);
        var second = new TestQueue { Id = 4, Entries = 16, SubmissionAddress = page, CompletionAddress = io.CompletionAddress };
        harness.Submit(second, Flush);
        Assert.Equal(4, harness.Wait(io).SubmissionQueueId);
        Assert.Equal(1, harness.Run(io, Flush).SubmissionQueueId);
    }

    [Fact]
    public void ManyQueues_WithManyEntries_TakeTurns()
    {
        using ControllerHarness harness = ControllerHarness.Ready(out _, ControllerHarness.MakeOptions(1 << 20));
        SubmissionEntry burst = ControllerHarness.AdminEntry(AdminOpcode.SetFeatures) with { CommandDword10 = (uint)FeatureId.Arbitration, CommandDword11 = 0 };
        Assert.Equal(NvmeStatus.Success, harness.RunAdmin(burst).Status);
        TestQueue[] queues = [.. Enumerable.Range(2, 4).Select(id => harness.CreateQueuePair(id, 64, inMemoryBuffer: true))];

        // 64 slots: the first two queues fill them, then the turns begin.
        foreach (TestQueue queue in queues)
        {
            for (int i = 0; i < 40; i++)
            {
                harness.Put(queue, Flush);
            }

            harness.Ring(queue);
        }

        harness.Host.Materialize(harness.Now);
        Assert.Equal([40, 24, 0, 0], Take(harness, queues));
        harness.Function.OnTimer(harness.Now);
        harness.Host.Materialize(harness.Now);
        Assert.Equal([0, 16, 24, 24], Take(harness, queues));
        harness.Settle();
        Assert.Equal([0, 0, 16, 16], Take(harness, queues));
    }

    [Fact]
    public void CommandStorm_InOneCall_IsCutIntoRounds()
    {
        using ControllerHarness harness = ControllerHarness.Ready(out TestQueue _, ControllerHarness.MakeOptions(1 << 20) with { MaximumOutstandingCommands = 1000 });
        TestQueue io = harness.CreateQueuePair(2, 256, inMemoryBuffer: true);
        for (int i = 0; i < 255; i++)
        {
            harness.Put(io, Flush);
        }

        harness.Ring(io);
        Assert.Equal(64, harness.Host.PendingReady);
        Assert.Equal(long.MinValue, harness.Function.NextDeadline);
        harness.Function.OnTimer(harness.Now);
        Assert.Equal(128, harness.Host.PendingReady);
        harness.Settle();
        Assert.Equal(long.MaxValue, harness.Function.NextDeadline);
    }

    [Fact]
    public void Arrival_OfACommand_IsThatOfItsDoorbell()
    {
        using ControllerHarness harness = ControllerHarness.Ready(out TestQueue io);
        harness.Host.Submitted.Clear();
        harness.Host.ReadyLog.Clear();
        long first = harness.Now;
        harness.Host.CurrentOrigin = 100;
        harness.Put(io, Flush);
        harness.Submit(io, Flush);
        harness.Now += 500;
        harness.Host.CurrentOrigin = 200;
        harness.Submit(io, Flush);
        harness.Now += 500;
        harness.Settle();
        Assert.Equal([first, first, first + 500], harness.Host.Submitted.Select(request => request.ArrivalNanoseconds));
        Assert.Equal([100ul, 100ul, 200ul], harness.Host.ReadyLog.Select(ready => ready.Origin));
        Assert.All(harness.Host.ReadyLog, ready => Assert.True(ready.IsStamped));
    }

    [Fact]
    public void Reads_TurnedDown_AreTriedAgainWhenThereIsRoom()
    {
        using ControllerHarness harness = ControllerHarness.Ready(out TestQueue io);
        ulong page = harness.AllocatePages(8);
        harness.Host.MaximumReads = 1;
        for (int i = 0; i < 30; i++)
        {
            SubmissionEntry write = ControllerHarness.IoEntry(NvmOpcode.Write, (ulong)(i * 24), 24, page + 512, page + 4096);
            write.Prp2 = page + 7 * 4096;
            Span<byte> list = harness.Host.Bytes(page + 7 * 4096, 24);
            BitConverter.TryWriteBytes(list, page + 3 * 4096);
            BitConverter.TryWriteBytes(list[8..], page + 5 * 4096);
            BitConverter.TryWriteBytes(list[16..], page + 1 * 4096);
            harness.Put(io, write);
        }

        harness.Ring(io);
        for (int i = 0; i < 30; i++)
        {
            Assert.Equal(NvmeStatus.Success, harness.Wait(io).Status);
        }

        Assert.True(harness.Function.IsIdle);
    }

    private static int[] Take(ControllerHarness harness, TestQueue[] queues)
    {
        int[] taken = new int[queues.Length];
        for (int i = 0; i < queues.Length; i++)
        {
            while (harness.TryTake(queues[i], out _, ring: false))
            {
                taken[i]++;
            }
        }

        return taken;
    }
}
