using PcieOe.FlashEndpoint.Tests.Harness;
using PcieOe.FlashEndpoint.Timing;
using PcieOe.Protocol.Functions;
using PcieOe.Protocol.Nvme;
using Xunit;

namespace PcieOe.FlashEndpoint.Tests.Io;

/// <summary>What is asked of the flash model, and that commands end when it says.</summary>
public sealed class FlashTimeTests : IoTestBase
{
    private const long Duration = 40_000;
    private readonly FixedTiming _timing;

    public FlashTimeTests()
        : this(new FixedTiming(Duration))
    {
    }

    private FlashTimeTests(FixedTiming timing)
        : base(null, timing) => _timing = timing;

    [Theory]
    [InlineData(NvmOpcode.Read, 0u, FlashOperation.Read, 1024L)]
    [InlineData(NvmOpcode.Verify, 0u, FlashOperation.Read, 1024L)]
    [InlineData(NvmOpcode.Compare, 0u, FlashOperation.Read, 1024L)]
    [InlineData(NvmOpcode.Write, 0u, FlashOperation.Write, 1024L)]
    [InlineData(NvmOpcode.Write, 1u << 30, FlashOperation.WriteThrough, 1024L)]
    [InlineData(NvmOpcode.WriteZeroes, 0u, FlashOperation.Deallocate, 1024L)]
    [InlineData(NvmOpcode.Flush, 0u, FlashOperation.Flush, 0L)]
    public void Command_OfEachKind_TakesTheFlashsTime(NvmOpcode opcode, uint flags, FlashOperation operation, long bytes)
    {
        long start = Harness.Now;
        Assert.Equal(NvmeStatus.Success, Run(opcode, 4, 2, dword12Flags: flags));
        Assert.Equal([(operation, bytes == 0 ? 0 : 2048L, bytes, start)], _timing.Log);
        Assert.Equal(start + Duration, Harness.Now);
        ReadyTransaction ready = Harness.Host.ReadyLog[^1];
        Assert.Equal((Duration / 2, Duration / 4, Duration / 4), (ready.FlashQueueNanoseconds, ready.FlashCellNanoseconds, ready.FlashTransferNanoseconds));
        Assert.Equal((start, start, start + Duration), (ready.ArrivalNanoseconds, ready.AdmittedNanoseconds, ready.ReadyNanoseconds));
        Assert.Equal((byte)opcode, ready.Opcode);
    }

    [Fact]
    public void Read_WithAPrpList_OverlapsTheListWithTheFlash()
    {
        long start = Harness.Now;
        Harness.Submit(Queue, ControllerHarness.IoEntry(NvmOpcode.Read, 0, 64, Page, Page + 4096));
        Harness.Host.AnswerReads(Harness.Now);
        Assert.Single(_timing.Log);
        Assert.Equal(1, Harness.Host.PendingReads);
        Harness.Now += 30_000;
        Assert.Equal(NvmeStatus.Success, Harness.Wait(Queue).Status);
        Assert.Equal(start + Duration, Harness.Now);
    }

    [Fact]
    public void Compare_ThatFindsADifference_TakesTheFlashsTimeToo()
    {
        Buffer(0, 512).Fill(0x44);
        long start = Harness.Now;
        Assert.Equal(NvmeStatus.CompareFailure, Run(NvmOpcode.Compare));
        Assert.Equal(start + Duration, Harness.Now);
    }

    [Fact]
    public void CommandThatFails_DoesNotWaitForTheFlash()
    {
        Harness.Host.FailRead = address => address == Page ? DmaReadStatus.CompleterAbort : DmaReadStatus.Success;
        long start = Harness.Now;
        Assert.Equal(NvmeStatus.DataTransferError, Run(NvmOpcode.Write));
        Assert.Equal(start, Harness.Now);
        Assert.Empty(_timing.Log);
    }

    [Fact]
    public void Commands_WithTimesOutOfOrder_EndInTheOrderOfTheirTimes()
    {
        long[] delays = [50, 20, 90, 20, 10, 70];
        using ControllerHarness harness = ControllerHarness.Ready(out TestQueue io, timing: new ListTiming(delays));
        var ids = new ushort[delays.Length];
        for (int i = 0; i < delays.Length; i++)
        {
            ids[i] = harness.Put(io, ControllerHarness.IoEntry(NvmOpcode.Read, 0, 1, Page));
        }

        harness.Ring(io);
        ushort[] order = [.. delays.Select(_ => harness.Wait(io).CommandId)];
        Assert.Equal([ids[4], ids[1], ids[3], ids[0], ids[5], ids[2]], order);
    }

    private sealed class ListTiming(long[] delays) : IFlashTiming
    {
        private int _next;

        public void Schedule(FlashOperation operation, long offset, long bytes, long now, out FlashTimes times) =>
            times = new FlashTimes { DoneNanoseconds = now + delays[_next++] };
    }
}
