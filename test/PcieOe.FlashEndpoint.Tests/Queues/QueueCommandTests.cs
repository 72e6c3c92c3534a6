using PcieOe.FlashEndpoint.Tests.Harness;
using PcieOe.Protocol.Nvme;
using Xunit;

namespace PcieOe.FlashEndpoint.Tests.Queues;

public sealed class QueueCommandTests : IDisposable
{
    private readonly ControllerHarness _harness;
    private readonly TestQueue _io;
    private readonly ulong _page;

    public QueueCommandTests()
    {
        _harness = ControllerHarness.Ready(out _io, ControllerHarness.MakeOptions(1 << 20));
        _page = _harness.AllocatePages(16);
    }

    public void Dispose() => _harness.Dispose();

    [Theory]
    [InlineData(0, 16, 0, 3, NvmeStatus.InvalidQueueIdentifier)]
    [InlineData(1, 16, 0, 3, NvmeStatus.InvalidQueueIdentifier)]
    [InlineData(9, 16, 0, 3, NvmeStatus.InvalidQueueIdentifier)]
    [InlineData(0xFFFF, 16, 0, 3, NvmeStatus.InvalidQueueIdentifier)]
    [InlineData(2, 1, 0, 3, NvmeStatus.InvalidQueueSize)]
    [InlineData(2, 257, 0, 3, NvmeStatus.InvalidQueueSize)]
    [InlineData(2, 65536, 0, 3, NvmeStatus.InvalidQueueSize)]
    [InlineData(2, 16, 9, 3, NvmeStatus.InvalidInterruptVector)]
    [InlineData(2, 16, 9, 1, NvmeStatus.Success)]
    [InlineData(2, 16, 8, 3, NvmeStatus.Success)]
    [InlineData(2, 16, 0, 2, NvmeStatus.InvalidField)]
    [InlineData(2, 256, 0, 3, NvmeStatus.Success)]
    public void CompletionQueue_Created_IsChecked(int id, int entries, int vector, uint flags, NvmeStatus expected) =>
        Assert.Equal(expected, Create(AdminOpcode.CreateCompletionQueue, id, entries, (uint)vector << 16 | flags, _page).Status);

    [Theory]
    [InlineData(0, 16, 1, NvmeStatus.InvalidQueueIdentifier)]
    [InlineData(1, 16, 1, NvmeStatus.InvalidQueueIdentifier)]
    [InlineData(9, 16, 1, NvmeStatus.InvalidQueueIdentifier)]
    [InlineData(2, 1, 1, NvmeStatus.InvalidQueueSize)]
    [InlineData(2, 257, 1, NvmeStatus.InvalidQueueSize)]
    [InlineData(2, 16, 0, NvmeStatus.InvalidQueueIdentifier)]
    [InlineData(2, 16, 3, NvmeStatus.CompletionQueueInvalid)]
    [InlineData(2, 16, 8, NvmeStatus.CompletionQueueInvalid)]
    [InlineData(2, 16, 9, NvmeStatus.InvalidQueueIdentifier)]
    [InlineData(2, 16, 0xFFFF, NvmeStatus.InvalidQueueIdentifier)]
    [InlineData(2, 16, 1, NvmeStatus.Success)]
    public void SubmissionQueue_Created_IsChecked(int id, int entries, int completionId, NvmeStatus expected) =>
        Assert.Equal(expected, Create(AdminOpcode.CreateSubmissionQueue, id, entries, (uint)completionId << 16 | 1, _page).Status);

    [Fact]
    public void Queue_AtAnOddAddress_IsRefused()
    {
        Assert.Equal(NvmeStatus.PrpOffsetInvalid, Create(AdminOpcode.CreateCompletionQueue, 2, 16, 1, _page + 8).Status);
        Assert.Equal(NvmeStatus.PrpOffsetInvalid, Create(AdminOpcode.CreateSubmissionQueue, 2, 16, 1 << 16 | 1, _page + 2048).Status);
    }

    [Fact]
    public void CompletionQueue_InTheMemoryBuffer_IsRefused() =>
        Assert.Equal(NvmeStatus.InvalidUseOfMemoryBuffer,
            Create(AdminOpcode.CreateCompletionQueue, 2, 16, 1, ControllerHarness.MemoryBufferBase).Status);

    [Fact]
    public void SubmissionQueue_ReachingOutOfTheMemoryBuffer_IsRefused()
    {
        ulong last = ControllerHarness.MemoryBufferBase + (1 << 20) - 4096;
        Assert.Equal(NvmeStatus.InvalidUseOfMemoryBuffer, Create(AdminOpcode.CreateSubmissionQueue, 2, 65, 1 << 16 | 1, last).Status);
        Assert.Equal(NvmeStatus.Success, Create(AdminOpcode.CreateSubmissionQueue, 2, 64, 1 << 16 | 1, last).Status);
    }

    [Fact]
    public void Queues_WithoutEntrySizesInConfiguration_AreRefused()
    {
        _harness.Write32(ControllerHarness.Bar0 + NvmeRegister.Configuration, 1);
        Assert.Equal(NvmeStatus.InvalidQueueSize, Create(AdminOpcode.CreateCompletionQueue, 2, 16, 1, _page).Status);
        Assert.Equal(NvmeStatus.InvalidQueueSize, Create(AdminOpcode.CreateSubmissionQueue, 2, 16, 1 << 16 | 1, _page).Status);
    }

    [Fact]
    public void Queues_BeyondTheNumberGranted_AreRefused()
    {
        Assert.Equal(NvmeStatus.Success, Delete(AdminOpcode.DeleteSubmissionQueue, 1).Status);
        Assert.Equal(NvmeStatus.Success, Delete(AdminOpcode.DeleteCompletionQueue, 1).Status);
        SubmissionEntry set = ControllerHarness.AdminEntry(AdminOpcode.SetFeatures) with { CommandDword10 = (uint)FeatureId.NumberOfQueues, CommandDword11 = 2 << 16 | 1 };
        Assert.Equal(2u << 16 | 1, _harness.RunAdmin(set).Result);
        Assert.Equal(NvmeStatus.Success, Create(AdminOpcode.CreateCompletionQueue, 3, 16, 1, _page).Status);
        Assert.Equal(NvmeStatus.InvalidQueueIdentifier, Create(AdminOpcode.CreateCompletionQueue, 4, 16, 1, _page).Status);
        Assert.Equal(NvmeStatus.Success, Create(AdminOpcode.CreateSubmissionQueue, 2, 16, 3 << 16 | 1, _page).Status);
        Assert.Equal(NvmeStatus.InvalidQueueIdentifier, Create(AdminOpcode.CreateSubmissionQueue, 3, 16, 3 << 16 | 1, _page).Status);
    }

    [Fact]
    public void Deletion_OfQueuesThatAreNotThere_IsRefused()
    {
        Assert.Equal(NvmeStatus.InvalidQueueIdentifier, Delete(AdminOpcode.DeleteSubmissionQueue, 0).Status);
        Assert.Equal(NvmeStatus.InvalidQueueIdentifier, Delete(AdminOpcode.DeleteSubmissionQueue, 2).Status);
        Assert.Equal(NvmeStatus.InvalidQueueIdentifier, Delete(AdminOpcode.DeleteCompletionQueue, 0).Status);
        Assert.Equal(NvmeStatus.InvalidQueueIdentifier, Delete(AdminOpcode.DeleteCompletionQueue, 4000).Status);
        Assert.Equal(NvmeStatus.InvalidQueueDeletion, Delete(AdminOpcode.DeleteCompletionQueue, 1).Status);
    }

    [Fact]
    public void QueuePair_DeletedAndCreatedAgain_Works()
    {
        for (int i = 0; i < 3; i++)
        {
            TestQueue queue = _harness.CreateQueuePair(5, 8);
            for (int k = 0; k < 11; k++)
            {
                Assert.Equal(NvmeStatus.Success, _harness.Run(queue, ControllerHarness.IoEntry(NvmOpcode.Flush)).Status);
            }

            Assert.Equal(NvmeStatus.Success, Delete(AdminOpcode.DeleteSubmissionQueue, 5).Status);
            Assert.Equal(NvmeStatus.Success, Delete(AdminOpcode.DeleteCompletionQueue, 5).Status);
        }
    }

    [Fact]
    public void SubmissionQueue_DeletedWithCommandsWaiting_AbortsThemFirst()
    {
        _harness.Host.DefersAdmission = true;
        ushort waiting = _harness.Submit(_io, ControllerHarness.IoEntry(NvmOpcode.Flush));
        _harness.Settle();
        ushort deletion = _harness.Submit(_harness.Admin, ControllerHarness.AdminEntry(AdminOpcode.DeleteSubmissionQueue) with { CommandDword10 = 1 });
        _harness.Host.AnswerReads(_harness.Now);
        Assert.False(_harness.TryTake(_harness.Admin, out _));
        CompletionEntry aborted = _harness.Wait(_io);
        Assert.Equal((waiting, NvmeStatus.AbortedSubmissionQueueDeletion), (aborted.CommandId, aborted.Status));
        CompletionEntry done = _harness.Wait(_harness.Admin);
        Assert.Equal((deletion, NvmeStatus.Success), (done.CommandId, done.Status));

        // Admission control may still hold the token.
        _harness.Host.Admit(_harness.Now);
        _harness.Settle();
        Assert.True(_harness.Function.IsIdle);
    }

    [Fact]
    public void SubmissionQueue_DeletedTwiceAtOnce_IsDeletedOnce()
    {
        ulong data = _harness.AllocatePages(1);
        _harness.Submit(_io, ControllerHarness.IoEntry(NvmOpcode.Write, 0, 1, data));
        _harness.Host.AnswerReads(_harness.Now);
        _harness.Put(_harness.Admin, ControllerHarness.AdminEntry(AdminOpcode.DeleteSubmissionQueue) with { CommandDword10 = 1 });
        _harness.Submit(_harness.Admin, ControllerHarness.AdminEntry(AdminOpcode.DeleteSubmissionQueue) with { CommandDword10 = 1 });
        Assert.Equal(NvmeStatus.InvalidQueueIdentifier, _harness.Wait(_harness.Admin).Status);
        Assert.Equal(NvmeStatus.Success, _harness.Wait(_io).Status);
        Assert.Equal(NvmeStatus.Success, _harness.Wait(_harness.Admin).Status);
    }

    private CompletionEntry Create(AdminOpcode opcode, int id, int entries, uint dword11, ulong address) =>
        _harness.RunAdmin(ControllerHarness.AdminEntry(opcode) with
        {
            Prp1 = address,
            CommandDword10 = (uint)(entries - 1) << 16 | (uint)id,
            CommandDword11 = dword11,
        });

    private CompletionEntry Delete(AdminOpcode opcode, int id) => _harness.RunAdmin(ControllerHarness.AdminEntry(opcode) with { CommandDword10 = (uint)id });
}
