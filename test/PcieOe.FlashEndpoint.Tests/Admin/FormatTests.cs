using PcieOe.FlashEndpoint.Controller;
using PcieOe.FlashEndpoint.Media;
using PcieOe.FlashEndpoint.Tests.Harness;
using PcieOe.Protocol.Nvme;
using Xunit;

namespace PcieOe.FlashEndpoint.Tests.Admin;

public sealed class FormatTests : AdminTestBase
{
    private readonly SlowMedia _media;

    public FormatTests()
        : this(new SlowMedia(4 << 20))
    {
    }

    private FormatTests(SlowMedia media)
        : base(ControllerHarness.MakeOptions() with
        {
            Namespaces = [new NamespaceOptions { SizeBytes = 1 << 20 }, new NamespaceOptions { SizeBytes = 1 << 20 }],
        }, media) => _media = media;

    [Fact]
    public void Namespace_Formatted_IsEmptyAndHasItsNewBlocks()
    {
        Harness.Host.Bytes(Page, 4096).Fill(0x44);
        Assert.Equal(NvmeStatus.Success, RunIo(NvmOpcode.Write, 0, 8));
        Assert.Equal(NvmeStatus.Success, RunIo(NvmOpcode.Write, 0, 8, 2));
        Assert.Equal(NvmeStatus.Success, Run(AdminOpcode.FormatNvm, 1 | 1 << 9, namespaceId: 1).Status);
        Assert.Equal(NvmeStatus.Success, Identify(IdentifyCns.Namespace, 1));
        Assert.Equal(256ul, Data<IdentifyNamespace>().SizeBlocks);
        Assert.Equal(NvmeStatus.Success, RunIo(NvmOpcode.Read, 0, 1));
        Assert.Equal(-1, Harness.Host.Bytes(Page, 4096).IndexOfAnyExcept((byte)0));
        Assert.Equal(NvmeStatus.Success, RunIo(NvmOpcode.Read, 0, 8, 2));
        Assert.Equal(-1, Harness.Host.Bytes(Page, 4096).IndexOfAnyExcept((byte)0x44));
    }

    [Fact]
    public void AllNamespaces_Formatted_AreEmpty()
    {
        Assert.Equal(NvmeStatus.Success, Run(AdminOpcode.FormatNvm, 1, namespaceId: 0xFFFF_FFFF).Status);
        Assert.Equal(2, _media.Log.Count(request => request.Operation == MediaOperation.Deallocate));
        Assert.Equal(NvmeStatus.LbaOutOfRange, RunIo(NvmOpcode.Read, 256, 1, 1));
        Assert.Equal(NvmeStatus.LbaOutOfRange, RunIo(NvmOpcode.Read, 256, 1, 2));
    }

    [Theory]
    [InlineData(2u)]
    [InlineData(15u)]
    [InlineData(1u << 5)]
    [InlineData(2u << 9)]
    [InlineData(1u << 4)]
    public void Format_NotSupported_IsRefused(uint value) => Assert.Equal(NvmeStatus.InvalidFormat, Run(AdminOpcode.FormatNvm, value, namespaceId: 1).Status);

    [Fact]
    public void Format_OfANamespaceThatIsNotThere_IsRefused()
    {
        Assert.Equal(NvmeStatus.InvalidNamespaceOrFormat, Run(AdminOpcode.FormatNvm, 0, namespaceId: 3).Status);
        Assert.Equal(NvmeStatus.InvalidNamespaceOrFormat, Run(AdminOpcode.FormatNvm, 0, namespaceId: 0).Status);
    }

    [Fact]
    public void Commands_WhileAFormatRuns_AreRefused()
    {
        _media.AnswersByItself = false;
        Harness.Submit(Harness.Admin, Entry(AdminOpcode.FormatNvm, 0, 0, 1));
        Harness.Settle();
        Assert.Equal(NvmeStatus.FormatInProgress, RunIo(NvmOpcode.Read));
        Assert.Equal(NvmeStatus.FormatInProgress, Run(AdminOpcode.FormatNvm, 0, namespaceId: 1).Status);
        Assert.Equal(NvmeStatus.FormatInProgress, Run(AdminOpcode.NamespaceManagement, 1, namespaceId: 1).Status);
        _media.AnswersByItself = true;
        Assert.Equal(NvmeStatus.Success, Harness.Wait(Harness.Admin).Status);
        Assert.Equal(NvmeStatus.Success, RunIo(NvmOpcode.Read));
    }

    [Fact]
    public void Format_ThatFails_TellsSo()
    {
        _media.Outcome = _ => MediaStatus.WriteError;
        Assert.Equal(NvmeStatus.WriteFault, Run(AdminOpcode.FormatNvm, 0, namespaceId: 0xFFFF_FFFF).Status);
        _media.Outcome = null;
        Assert.Equal(NvmeStatus.Success, RunIo(NvmOpcode.Read, namespaceId: 1));
        Assert.Equal(NvmeStatus.Success, RunIo(NvmOpcode.Read, namespaceId: 2));
    }
}
