using PcieOe.FlashEndpoint.Tests.Harness;
using PcieOe.Protocol.Functions;
using PcieOe.Protocol.Nvme;
using Xunit;

namespace PcieOe.FlashEndpoint.Tests.Admin;

public sealed class AbortTests : AdminTestBase
{
    [Fact]
    public void Command_WaitingForAdmission_IsAborted()
    {
        Harness.Host.DefersAdmission = true;
        ushort id = Harness.Submit(Io, ControllerHarness.IoEntry(NvmOpcode.Flush));
        Harness.Settle();
        Assert.Equal(0u, Abort(1, id).Result);
        ReadyTransaction[] last = [.. Harness.Host.ReadyLog.TakeLast(2)];
        Assert.Equal([false, true], last.Select(ready => ready.Opcode == (byte)AdminOpcode.Abort));
        Assert.True(last[0].DeadlineNanoseconds <= last[1].DeadlineNanoseconds, "The abort's completion would overtake that of the command.");
        CompletionEntry aborted = Harness.Wait(Io);
        Assert.Equal((id, NvmeStatus.AbortRequested), (aborted.CommandId, aborted.Status));
        Harness.Host.Admit(Harness.Now);
        Harness.Settle();
        Assert.False(Harness.TryTake(Io, out _));
    }

    [Fact]
    public void Command_WaitingForTheFlash_IsAborted()
    {
        using ControllerHarness harness = ControllerHarness.Ready(out TestQueue io, timing: new FixedTiming(1_000_000));
        ushort id = harness.Submit(io, ControllerHarness.IoEntry(NvmOpcode.Read, 0, 1, harness.AllocatePages(1)));
        harness.Settle();
        SubmissionEntry abort = ControllerHarness.AdminEntry(AdminOpcode.Abort) with { CommandDword10 = (uint)id << 16 | 1 };
        Assert.Equal(0u, harness.RunAdmin(abort).Result);
        Assert.Equal(NvmeStatus.AbortRequested, harness.Wait(io).Status);
        harness.Now += 2_000_000;
        harness.Settle();
        Assert.False(harness.TryTake(io, out _));
        Assert.True(harness.Function.IsIdle);
    }

    [Fact]
    public void AsynchronousEventRequest_IsAborted()
    {
        ushort id = Harness.Submit(Harness.Admin, ControllerHarness.AdminEntry(AdminOpcode.AsynchronousEventRequest));
        Harness.Settle();
        ushort abort = Harness.Submit(Harness.Admin, Entry(AdminOpcode.Abort, (uint)id << 16, 0, 0));
        CompletionEntry[] entries = [Harness.Wait(Harness.Admin), Harness.Wait(Harness.Admin)];
        Assert.Equal(NvmeStatus.AbortRequested, entries.Single(entry => entry.CommandId == id).Status);
        Assert.Equal(0u, entries.Single(entry => entry.CommandId == abort).Result);
    }

    [Fact]
    public void Command_ThatIsNotThereOrTooFar_IsNotAborted()
    {
        Assert.Equal(1u, Abort(1, 999).Result);
        Assert.Equal(NvmeStatus.Success, Abort(1, 999).Status);
        Assert.Equal(NvmeStatus.InvalidField, Abort(7, 1).Status);
        ushort id = Harness.Submit(Io, ControllerHarness.IoEntry(NvmOpcode.Write, 0, 1, Page));
        Harness.Host.AnswerReads(Harness.Now);
        Assert.Equal(1u, Abort(1, id).Result);
        Assert.Equal(NvmeStatus.Success, Harness.Wait(Io).Status);
    }

    private CompletionEntry Abort(int queue, ushort id) => Run(AdminOpcode.Abort, (uint)id << 16 | (uint)queue);
}
