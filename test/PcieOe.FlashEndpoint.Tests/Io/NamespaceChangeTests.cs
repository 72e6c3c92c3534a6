using System.Runtime.InteropServices;
using PcieOe.FlashEndpoint.Media;
using PcieOe.FlashEndpoint.Tests.Harness;
using PcieOe.Protocol.Nvme;
using Xunit;

namespace PcieOe.FlashEndpoint.Tests.Io;

/// <summary>Namespaces that go away, or get other blocks, under commands that are on their way: those end, and reach nobody else's data.</summary>
public sealed class NamespaceChangeTests : IoTestBase
{
    private const uint Delete = 1;
    private readonly SlowMedia _media;

    public NamespaceChangeTests()
        : this(new SlowMedia(3 << 20))
    {
    }

    private NamespaceChangeTests(SlowMedia media)
        : base(media) => _media = media;

    [Fact]
    public void Write_WhoseNamespaceIsReplaced_DoesNotReachTheNewOne()
    {
        Buffer(0, 512).Fill(0x11);
        Harness.Submit(Queue, ControllerHarness.IoEntry(NvmOpcode.Write, 3, 1, Page));
        Harness.Host.AnswerReads(Harness.Now);
        Harness.Host.HoldReads();

        Assert.Equal(NvmeStatus.Success, RunAdmin(AdminOpcode.NamespaceManagement, Delete, 1).Status);
        var data = new IdentifyNamespace { SizeBlocks = 2048, CapacityBlocks = 2048 };
        MemoryMarshal.Write(Buffer(1, 4096), in data);
        Assert.Equal(1u, RunAdmin(AdminOpcode.NamespaceManagement, 0, 0).Result);

        Harness.Host.ReleaseHeldReads(Harness.Now);
        Assert.Equal(NvmeStatus.InvalidNamespaceOrFormat, Harness.Wait(Queue).Status);
        Assert.DoesNotContain(_media.Log, request => request.Operation == MediaOperation.Write);
        Assert.Equal(-1, _media.Content.AsSpan(0, 1 << 20).IndexOfAnyExcept((byte)0));
    }

    [Fact]
    public void Write_WhoseNamespaceIsBeingFormatted_IsToldSo()
    {
        Harness.Submit(Queue, ControllerHarness.IoEntry(NvmOpcode.Write, 3, 1, Page));
        Harness.Host.AnswerReads(Harness.Now);
        Harness.Host.HoldReads();
        _media.AnswersByItself = false;
        Harness.Submit(Harness.Admin, ControllerHarness.AdminEntry(AdminOpcode.FormatNvm, 1));
        Harness.Settle();
        Assert.Equal(1, _media.PendingCount);
        Harness.Host.ReleaseHeldReads(Harness.Now);
        Assert.Equal(NvmeStatus.FormatInProgress, Harness.Wait(Queue).Status);
        _media.AnswersByItself = true;
        Assert.Equal(NvmeStatus.Success, Harness.Wait(Harness.Admin).Status);
    }

    [Fact]
    public void Read_ThatWaitsForAdmission_EndsWithItsNamespace()
    {
        Harness.Host.DefersAdmission = true;
        Harness.Submit(Queue, ControllerHarness.IoEntry(NvmOpcode.Read, 3, 1, Page));
        Harness.Settle();
        Assert.Equal(NvmeStatus.Success, RunAdmin(AdminOpcode.NamespaceManagement, Delete, 1).Status);
        Harness.Host.Admit(Harness.Now);
        Assert.Equal(NvmeStatus.InvalidNamespaceOrFormat, Harness.Wait(Queue).Status);
    }

    [Fact]
    public void Ranges_WhoseNamespaceIsFormattedInBetween_StayWithinIt()
    {
        Fill(0, 2, 0x22, namespaceId: 2);
        SubmitRanges();
        _media.AnswersByItself = false;
        Harness.Settle();
        Assert.Equal(1, _media.PendingCount);
        Harness.Submit(Harness.Admin, ControllerHarness.AdminEntry(AdminOpcode.FormatNvm, 1) with { CommandDword10 = 1 });
        Harness.Settle();
        _media.Answer(1);
        Harness.Settle();
        _media.AnswersByItself = true;
        Assert.Equal(NvmeStatus.Success, Harness.Wait(Harness.Admin).Status);
        Assert.Equal(NvmeStatus.FormatInProgress, Harness.Wait(Queue).Status);
        AssertWithinNamespace();
    }

    [Fact]
    public void Ranges_FetchedAfterAFormat_AreInTheBlocksOfTheirCommand()
    {
        Fill(0, 2, 0x22, namespaceId: 2);
        SubmitRanges();
        Harness.Host.AnswerReads(Harness.Now);
        Harness.Host.HoldReads();
        Assert.Equal(NvmeStatus.Success, RunAdmin(AdminOpcode.FormatNvm, 1, 1).Status);
        Harness.Host.ReleaseHeldReads(Harness.Now);
        Assert.Equal(NvmeStatus.Success, Harness.Wait(Queue).Status);
        AssertWithinNamespace();
    }

    // Blocks 0 and 256 of 512 bytes: with blocks of 4096 bytes the second would lie behind the namespace, in the next one.
    private void SubmitRanges()
    {
        Span<byte> ranges = Buffer(0, 32);
        ranges.Clear();
        for (int i = 0; i < 2; i++)
        {
            BitConverter.TryWriteBytes(ranges[(i * 16 + 4)..], 1u);
            BitConverter.TryWriteBytes(ranges[(i * 16 + 8)..], (ulong)i * 256);
        }

        Harness.Submit(Queue, ControllerHarness.IoEntry(NvmOpcode.DatasetManagement, prp1: Page) with { CommandDword10 = 1, CommandDword11 = 4, CommandDword12 = 0 });
    }

    private void AssertWithinNamespace()
    {
        Assert.All(_media.Log.Where(request => request.Operation == MediaOperation.Deallocate),
            request => Assert.True(request.Offset + request.Length <= 1 << 20));
        Assert.Equal(0x22, Value(0, namespaceId: 2));
    }

    private CompletionEntry RunAdmin(AdminOpcode opcode, uint dword10, uint namespaceId) =>
        Harness.RunAdmin(ControllerHarness.AdminEntry(opcode, namespaceId) with { CommandDword10 = dword10, Prp1 = Page + 4096 });
}
