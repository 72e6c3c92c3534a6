using System.Runtime.InteropServices;
using PcieOe.FlashEndpoint.Tests.Harness;
using PcieOe.Protocol.Functions;
using PcieOe.Protocol.Nvme;
using Xunit;

namespace PcieOe.FlashEndpoint.Tests.Controller;

public sealed class ResetTests
{
    private const ulong Bar0 = ControllerHarness.Bar0;

    [Fact]
    public void ControllerDisabled_WithCommandsAtEveryStage_ForgetsThemAll()
    {
        var media = new SlowMedia(1 << 20) { AnswersByItself = false };
        using ControllerHarness harness = ControllerHarness.Ready(out TestQueue io, media: media);
        ulong page = harness.AllocatePages(4);
        SubmissionEntry write = ControllerHarness.IoEntry(NvmOpcode.Write, 0, 8, page);
        SubmissionEntry read = ControllerHarness.IoEntry(NvmOpcode.Read, 8, 8, page + 4096);
        harness.Submit(io, read);
        harness.Host.AnswerReads(harness.Now);
        harness.Submit(io, write);
        harness.Host.AnswerReads(harness.Now);
        Assert.Equal(1, harness.Host.PendingReads);
        harness.Submit(io, ControllerHarness.IoEntry(NvmOpcode.Flush, namespaceId: 5));
        harness.Host.AnswerReads(harness.Now);
        harness.Submit(io, read);
        Assert.Equal(1, harness.Host.PendingReady);
        Assert.True(harness.Host.PendingReads > 0);
        byte[] before = [.. harness.Host.Memory];

        harness.Write32(Bar0 + NvmeRegister.Configuration, 0);
        harness.Settle();
        media.Answer();
        harness.Settle();
        Assert.True(harness.Function.IsIdle);
        Assert.Equal(before, harness.Host.Memory);

        harness.Enable();
        io = harness.CreateQueuePair(1, 16);
        media.AnswersByItself = true;
        Assert.Equal(NvmeStatus.Success, harness.Run(io, write).Status);
    }

    [Fact]
    public void BufferOfAResetCommand_WhileTheMediumUsesIt_IsNotHandedOutAgain()
    {
        var media = new SlowMedia(1 << 20) { AnswersByItself = false };
        using ControllerHarness harness = ControllerHarness.Ready(out TestQueue io, ControllerHarness.MakeOptions() with { StagingBuffers = 1 }, media);
        ulong page = harness.AllocatePages(2);
        harness.Host.Bytes(page, 512).Fill(0x11);
        harness.Submit(io, ControllerHarness.IoEntry(NvmOpcode.Write, 3, 1, page));
        harness.Settle();
        Assert.Equal(1, media.PendingCount);

        harness.Write32(Bar0 + NvmeRegister.Configuration, 0);
        harness.Enable();
        media.Outcome = null;
        harness.Host.Bytes(page, 512).Fill(0x22);

        // The one buffer is still the old write's: even Identify has to wait for it.
        harness.Submit(harness.Admin, ControllerHarness.AdminEntry(AdminOpcode.Identify) with { CommandDword10 = 1, Prp1 = page + 4096 });
        harness.Settle();
        Assert.False(harness.TryTake(harness.Admin, out _));
        media.Answer();
        Assert.Equal(NvmeStatus.Success, harness.Wait(harness.Admin).Status);
        Assert.Equal(0x11, media.Content[3 * 512]);
    }

    [Fact]
    public void LateDmaData_FromBeforeAReset_ReachesNothing()
    {
        using ControllerHarness harness = ControllerHarness.Ready(out TestQueue io);
        ulong page = harness.AllocatePages(1);
        harness.Host.Bytes(page, 512).Fill(0x77);
        harness.Submit(io, ControllerHarness.IoEntry(NvmOpcode.Write, 0, 1, page));
        harness.Host.AnswerReads(harness.Now);
        harness.Write32(Bar0 + NvmeRegister.Configuration, 0);
        harness.Host.AnswerReads(harness.Now);
        harness.Enable();
        io = harness.CreateQueuePair(1, 16);
        ulong target = harness.AllocatePages(1);
        Assert.Equal(NvmeStatus.Success, harness.Run(io, ControllerHarness.IoEntry(NvmOpcode.Read, 0, 1, target)).Status);
        Assert.Equal(-1, harness.Host.Bytes(target, 512).IndexOfAnyExcept((byte)0));
    }

    [Fact]
    public void LateDmaData_ForASlotInUseAgain_DoesNotReachItsNewCommand()
    {
        using ControllerHarness harness = ControllerHarness.Ready(out TestQueue io);
        ulong page = harness.AllocatePages(2);
        harness.Host.Bytes(page, 512).Fill(0x77);
        harness.Submit(io, ControllerHarness.IoEntry(NvmOpcode.Write, 0, 1, page));
        harness.Host.AnswerReads(harness.Now);
        harness.Host.HoldReads();
        harness.Write32(Bar0 + NvmeRegister.Configuration, 0);
        harness.Enable();
        io = harness.CreateQueuePair(1, 16, reuse: io);

        harness.Host.Bytes(page + 4096, 512).Fill(0x88);
        harness.Submit(io, ControllerHarness.IoEntry(NvmOpcode.Write, 0, 1, page + 4096));
        harness.Host.AnswerReads(harness.Now);
        Assert.Equal(1, harness.Host.PendingReads);
        harness.Host.ReleaseHeldReads(harness.Now);
        Assert.Equal(0, harness.Host.PendingReady);
        Assert.Equal(NvmeStatus.Success, harness.Wait(io).Status);
        Assert.Equal(NvmeStatus.Success, harness.Run(io, ControllerHarness.IoEntry(NvmOpcode.Read, 0, 1, page)).Status);
        Assert.Equal(-1, harness.Host.Bytes(page, 512).IndexOfAnyExcept((byte)0x88));
    }

    [Fact]
    public void FunctionReset_WithCommandsUnderWay_LeavesNoneBehind()
    {
        using ControllerHarness harness = ControllerHarness.Ready(out TestQueue io);
        harness.Host.DefersAdmission = true;
        harness.Submit(io, ControllerHarness.IoEntry(NvmOpcode.Flush));
        harness.Host.AnswerReads(harness.Now);
        Assert.Single(harness.Host.Waiting);
        harness.Function.Reset(FunctionResetKind.FunctionLevel, harness.Now);
        harness.Host.Admit(harness.Now);
        harness.Settle();
        Assert.True(harness.Function.IsIdle);
        Assert.Equal(0, harness.Host.PendingReady);
    }

    [Fact]
    public void StateLost_UntilTheDriverDisables_IsFatal()
    {
        using ControllerHarness harness = ControllerHarness.Ready(out TestQueue io);
        harness.Function.Reset(FunctionResetKind.StateLost, harness.Now);
        harness.Enumerate();
        Assert.True(harness.Status.IsFatal);

        // Doorbells and even an enable of a driver that knows nothing yet change nothing.
        harness.Ring(io);
        harness.Write32(Bar0 + NvmeRegister.Configuration, ControllerConfiguration.Default.Value);
        Assert.True(harness.Status.IsFatal);
        Assert.False(harness.Status.IsReady);

        harness.Write32(Bar0 + NvmeRegister.Configuration, 0);
        Assert.Equal(0u, harness.Status.Value);
        harness.Enable();
        io = harness.CreateQueuePair(1, 16);
        Assert.Equal(NvmeStatus.Success, harness.Run(io, ControllerHarness.IoEntry(NvmOpcode.Flush)).Status);
    }

    [Fact]
    public void StateLost_WhenTheDriverShutsDown_CompletesTheShutdown()
    {
        using ControllerHarness harness = ControllerHarness.Ready(out _);
        harness.Function.Reset(FunctionResetKind.StateLost, harness.Now);
        harness.Enumerate();
        harness.Write32(Bar0 + NvmeRegister.Configuration, ControllerConfiguration.Default.Value | 1 << 14);
        Assert.True(harness.Status.IsShutdownComplete);
    }

    [Fact]
    public void MemoryBuffer_AfterAReset_HoldsNothingOfTheHostBefore()
    {
        using var harness = new ControllerHarness(ControllerHarness.MakeOptions(1 << 20));
        harness.Enumerate();
        harness.Write64(ControllerHarness.Bar2 + 0x8000, 0x1122_3344_5566_7788);
        harness.Function.Reset(FunctionResetKind.Conventional, harness.Now);
        harness.Enumerate();
        Assert.Equal(0ul, harness.Read64(ControllerHarness.Bar2 + 0x8000));
    }

    [Fact]
    public void Enable_WithSettingsNotSupported_IsInTheErrorLog()
    {
        using ControllerHarness harness = ControllerHarness.Ready(out _);
        harness.Write32(Bar0 + NvmeRegister.Configuration, 0);
        harness.Write32(Bar0 + NvmeRegister.Configuration, ControllerConfiguration.Default.Value | 1 << 7);
        Assert.True(harness.Status.IsFatal);
        harness.Write32(Bar0 + NvmeRegister.Configuration, 0);
        harness.Enable();
        Assert.Equal(NvmeStatus.InternalError, NewestErrorWithoutQueue(harness));
    }

    [Fact]
    public void BusMaster_TakenAwayAndGivenBack_HoldsCompletionsInBetween()
    {
        using ControllerHarness harness = ControllerHarness.Ready(out TestQueue io);
        harness.Submit(io, ControllerHarness.IoEntry(NvmOpcode.Flush));
        harness.Host.AnswerReads(harness.Now);
        harness.WriteConfig(0x04, 0x0002);
        harness.Settle();
        Assert.False(harness.TryTake(io, out _));
        int reads = harness.Host.ReadLog.Count;
        harness.Submit(io, ControllerHarness.IoEntry(NvmOpcode.Flush));
        harness.Settle();
        Assert.Equal(reads, harness.Host.ReadLog.Count);
        harness.WriteConfig(0x04, 0x0006);
        Assert.Equal(NvmeStatus.Success, harness.Wait(io).Status);
        Assert.Equal(NvmeStatus.Success, harness.Wait(io).Status);
    }

    [Fact]
    public void EntryFetch_ThatFails_IsFatal()
    {
        using ControllerHarness harness = ControllerHarness.Ready(out TestQueue io);
        harness.Host.FailRead = _ => DmaReadStatus.TimedOut;
        harness.Submit(io, ControllerHarness.IoEntry(NvmOpcode.Flush));
        harness.Settle();
        Assert.True(harness.Status.IsFatal);
        harness.Host.FailRead = null;
        int reads = harness.Host.ReadLog.Count;
        harness.Submit(io, ControllerHarness.IoEntry(NvmOpcode.Flush));
        harness.Settle();
        Assert.Equal(reads, harness.Host.ReadLog.Count);
        harness.Write32(Bar0 + NvmeRegister.Configuration, 0);
        harness.Enable();
        Assert.True(harness.Function.IsIdle);
        Assert.Equal(NvmeStatus.DataTransferError, NewestErrorWithoutQueue(harness));
    }

    [Fact]
    public void KeepAlive_ThatExpires_IsFatal()
    {
        using ControllerHarness harness = ControllerHarness.Ready(out _);
        SubmissionEntry set = ControllerHarness.AdminEntry(AdminOpcode.SetFeatures) with { CommandDword10 = (uint)FeatureId.KeepAliveTimer, CommandDword11 = 2000 };
        Assert.Equal(NvmeStatus.Success, harness.RunAdmin(set).Status);
        harness.Now += 1_500_000_000;
        Assert.Equal(NvmeStatus.Success, harness.RunAdmin(ControllerHarness.AdminEntry(AdminOpcode.KeepAlive)).Status);
        harness.Now += 1_500_000_000;
        harness.Settle();
        Assert.False(harness.Status.IsFatal);
        harness.Now += 600_000_000;
        harness.Settle();
        Assert.True(harness.Status.IsFatal);
        harness.Write32(Bar0 + NvmeRegister.Configuration, 0);
        harness.Enable();
        Assert.Equal(NvmeStatus.KeepAliveTimerExpired, NewestErrorWithoutQueue(harness));
    }

    [Fact]
    public void KeepAlive_WhileTheControllerIsShutDown_DoesNotRun()
    {
        using ControllerHarness harness = ControllerHarness.Ready(out _);
        SubmissionEntry set = ControllerHarness.AdminEntry(AdminOpcode.SetFeatures) with { CommandDword10 = (uint)FeatureId.KeepAliveTimer, CommandDword11 = 2000 };
        Assert.Equal(NvmeStatus.Success, harness.RunAdmin(set).Status);
        harness.Write32(Bar0 + NvmeRegister.Configuration, ControllerConfiguration.Default.Value | 1 << 14);
        harness.Now += 3_000_000_000;
        harness.Settle();
        Assert.False(harness.Status.IsFatal);
        Assert.Equal(NvmeStatus.Success, harness.RunAdmin(ControllerHarness.AdminEntry(AdminOpcode.KeepAlive)).Status);
        harness.Now += 3_000_000_000;
        harness.Settle();
        Assert.False(harness.Status.IsFatal);
    }

    [Fact]
    public void Shutdown_AfterAResetDuringAnother_WaitsForAFlushOfItsOwn()
    {
        var media = new SlowMedia(1 << 20) { AnswersByItself = false };
        using ControllerHarness harness = ControllerHarness.Ready(out _, media: media);
        uint shutDown = ControllerConfiguration.Default.Value | 1 << 14;
        harness.Write32(Bar0 + NvmeRegister.Configuration, shutDown);
        Assert.Equal(1, media.PendingCount);
        harness.Write32(Bar0 + NvmeRegister.Configuration, 0);
        harness.Enable();
        harness.Write32(Bar0 + NvmeRegister.Configuration, shutDown);
        media.Answer(1);
        harness.Settle();
        Assert.False(harness.Status.IsShutdownComplete);
        Assert.Equal(1, media.PendingCount);
        media.Answer(1);
        harness.Settle();
        Assert.True(harness.Status.IsShutdownComplete);
        Assert.Equal(2, media.Log.Count);
    }

    // The error log is kept over resets.
    private static NvmeStatus NewestErrorWithoutQueue(ControllerHarness harness)
    {
        ulong page = harness.AllocatePages(1);
        SubmissionEntry log = ControllerHarness.AdminEntry(AdminOpcode.GetLogPage) with { CommandDword10 = 15 << 16 | 1, Prp1 = page };
        Assert.Equal(NvmeStatus.Success, harness.RunAdmin(log).Status);
        ErrorLogEntry entry = MemoryMarshal.Read<ErrorLogEntry>(harness.Host.Bytes(page, 64));
        Assert.Equal(0xFFFF, entry.SubmissionQueueId);
        return (NvmeStatus)(entry.StatusField >> 1);
    }
}
