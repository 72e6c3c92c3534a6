using System.Text;
using PcieOe.FlashEndpoint.Controller;
using PcieOe.FlashEndpoint.Tests.Harness;
using PcieOe.Protocol.Nvme;
using Xunit;

namespace PcieOe.FlashEndpoint.Tests.Admin;

public sealed class IdentifyTests : AdminTestBase
{
    public IdentifyTests()
        : base(ControllerHarness.MakeOptions() with
        {
            Namespaces = [new NamespaceOptions { SizeBytes = 1 << 20 }, new NamespaceOptions { SizeBytes = 2 << 20, BlockBytes = 4096 }],
        })
    {
    }

    [Fact]
    public void Controller_Identified_TellsWhatItIs()
    {
        Assert.Equal(NvmeStatus.Success, Identify(IdentifyCns.Controller));
        IdentifyController data = Data<IdentifyController>();
        Assert.Equal(0xF1A5, data.VendorId);
        Assert.Equal("TEST0001            ", Encoding.ASCII.GetString(data.SerialNumber));
        Assert.StartsWith("PcieOe flash endpoint ", Encoding.ASCII.GetString(data.ModelNumber));
        Assert.Equal("0.1.0   ", Encoding.ASCII.GetString(data.FirmwareRevision));
        Assert.Equal(5, data.MaximumDataTransferSize);
        Assert.Equal(0x10400u, data.Version);
        Assert.Equal(0x66, data.SubmissionEntrySizes);
        Assert.Equal(0x44, data.CompletionEntrySizes);
        Assert.Equal(32u, data.NumberOfNamespaces);
        Assert.Equal(8ul << 20, data.TotalCapacityBytes);
        Assert.Equal(5ul << 20, data.UnallocatedCapacityBytes);
        Assert.Equal(0x0005_0001u, data.SglSupport);
        Assert.Equal(1 << 1 | 1 << 3, data.OptionalAdminCommands);
        Assert.Equal(0b1101_1101, data.OptionalNvmCommands);
        Assert.Equal(0, data.VolatileWriteCache & 1);
        Assert.Equal("nqn.2026-01.org.pcieoe:TEST0001\0", Encoding.UTF8.GetString(Harness.Host.Bytes(Page + 768, 32)));
    }

    [Fact]
    public void Namespace_Identified_TellsItsSize()
    {
        Assert.Equal(NvmeStatus.Success, Identify(IdentifyCns.Namespace, 1));
        IdentifyNamespace data = Data<IdentifyNamespace>();
        Assert.Equal(2048ul, data.SizeBlocks);
        Assert.Equal(512, data.BlockBytes);
        Assert.Equal(1, data.NumberOfLbaFormats);
        Assert.Equal(7, data.PreferredWriteGranularity);
        Assert.Equal(NvmeStatus.Success, Identify(IdentifyCns.Namespace, 2));
        data = Data<IdentifyNamespace>();
        Assert.Equal(512ul, data.SizeBlocks);
        Assert.Equal(4096, data.BlockBytes);
        Assert.Equal(9, data.DeallocateFeatures);
    }

    [Fact]
    public void Namespace_ThatIsNotThere_IsZeroes()
    {
        Assert.Equal(NvmeStatus.Success, Identify(IdentifyCns.Namespace, 7));
        Assert.Equal(-1, Harness.Host.Bytes(Page, 4096).IndexOfAnyExcept((byte)0));
        Assert.Equal(NvmeStatus.InvalidNamespaceOrFormat, Identify(IdentifyCns.Namespace, 0));
        Assert.Equal(NvmeStatus.InvalidNamespaceOrFormat, Identify(IdentifyCns.Namespace, 33));
    }

    [Fact]
    public void AllNamespaces_Identified_ShareFormatsAlone()
    {
        Assert.Equal(NvmeStatus.Success, Identify(IdentifyCns.Namespace, 0xFFFF_FFFF));
        IdentifyNamespace data = Data<IdentifyNamespace>();
        Assert.Equal(0ul, data.SizeBlocks);
        Assert.Equal(9, data.Formats[0].DataSizeExponent);
        Assert.Equal(12, data.Formats[1].DataSizeExponent);
    }

    [Fact]
    public void AllNamespaces_WhereTheyAreNotManaged_CannotBeIdentified()
    {
        using ControllerHarness harness = ControllerHarness.Ready(out _, ControllerHarness.MakeOptions() with { NamespaceManagement = NamespaceManagement.Off });
        SubmissionEntry identify = ControllerHarness.AdminEntry(AdminOpcode.Identify, 0xFFFF_FFFF) with { Prp1 = harness.AllocatePages(1) };
        Assert.Equal(NvmeStatus.InvalidNamespaceOrFormat, harness.RunAdmin(identify).Status);
        Assert.Equal(NvmeStatus.Success, harness.RunAdmin(identify with { NamespaceId = 1 }).Status);
    }

    [Fact]
    public void NamespaceLists_FromAnIdentifierOn_AreAscending()
    {
        Assert.Equal(NvmeStatus.Success, Identify(IdentifyCns.ActiveNamespaceList, 0));
        Assert.Equal([1u, 2u, 0u], List(3));
        Assert.Equal(NvmeStatus.Success, Identify(IdentifyCns.ActiveNamespaceList, 1));
        Assert.Equal([2u, 0u], List(2));
        Assert.Equal(NvmeStatus.Success, Identify(IdentifyCns.AllocatedNamespaceList, 0xFFFF_FFFD));
        Assert.Equal([0u], List(1));
        Assert.Equal(NvmeStatus.InvalidNamespaceOrFormat, Identify(IdentifyCns.ActiveNamespaceList, 0xFFFF_FFFE));
        Assert.Equal(NvmeStatus.InvalidNamespaceOrFormat, Identify(IdentifyCns.AllocatedNamespaceList, 0xFFFF_FFFF));
    }

    [Fact]
    public void Descriptors_OfNamespaces_AreUniqueAndStay()
    {
        Assert.Equal(NvmeStatus.Success, Identify(IdentifyCns.NamespaceDescriptors, 1));
        byte[] first = Harness.Host.Bytes(Page, 48).ToArray();
        Assert.Equal([2, 16, 0, 0], first[..4]);
        Assert.Equal([3, 16, 0, 0], first[20..24]);
        Assert.Equal([4, 1, 0, 0, 0, 0, 0, 0], first[40..48]);
        Assert.Equal(NvmeStatus.Success, Identify(IdentifyCns.NamespaceDescriptors, 2));
        Assert.NotEqual(first[4..20], Harness.Host.Bytes(Page + 4, 16).ToArray());
        Assert.Equal(NvmeStatus.InvalidNamespaceOrFormat, Identify(IdentifyCns.NamespaceDescriptors, 3));

        using ControllerHarness again = ControllerHarness.Ready(out _);
        SubmissionEntry entry = ControllerHarness.AdminEntry(AdminOpcode.Identify, 1) with { CommandDword10 = 3, Prp1 = again.AllocatePages(1) };
        Assert.Equal(NvmeStatus.Success, again.RunAdmin(entry).Status);
        Assert.Equal(first, again.Host.Bytes(entry.Prp1, 48).ToArray());
    }

    [Theory]
    [InlineData(IdentifyCns.CommandSetNamespace, 1u, 0u, NvmeStatus.Success)]
    [InlineData(IdentifyCns.CommandSetNamespace, 0u, 0u, NvmeStatus.InvalidNamespaceOrFormat)]
    [InlineData(IdentifyCns.CommandSetNamespace, 1u, 0x0200_0000u, NvmeStatus.InvalidField)]
    [InlineData(IdentifyCns.CommandSetController, 0u, 0u, NvmeStatus.Success)]
    [InlineData(IdentifyCns.CommandSetController, 0u, 0x0100_0000u, NvmeStatus.InvalidField)]
    [InlineData(IdentifyCns.IndependentNamespace, 1u, 0u, NvmeStatus.Success)]
    [InlineData(IdentifyCns.IndependentNamespace, 99u, 0u, NvmeStatus.InvalidNamespaceOrFormat)]
    [InlineData(IdentifyCns.AllocatedNamespace, 2u, 0u, NvmeStatus.Success)]
    [InlineData(IdentifyCns.AllocatedNamespace, 0xFFFF_FFFFu, 0u, NvmeStatus.InvalidNamespaceOrFormat)]
    [InlineData(IdentifyCns.NvmSetList, 0u, 0u, NvmeStatus.InvalidField)]
    [InlineData((IdentifyCns)0x1C, 0u, 0u, NvmeStatus.InvalidField)]
    [InlineData((IdentifyCns)0xFF, 0u, 0u, NvmeStatus.InvalidField)]
    public void OtherStructures_AskedFor_AreAnsweredOrRefused(IdentifyCns cns, uint namespaceId, uint dword11, NvmeStatus expected) =>
        Assert.Equal(expected, Identify(cns, namespaceId, dword11));

    [Fact]
    public void ControllerLists_FromAnIdentifierOn_NameThisOne()
    {
        Assert.Equal(NvmeStatus.Success, Identify(IdentifyCns.ControllerList));
        Assert.Equal(0x0001_0001u, Data<uint>());
        Assert.Equal(NvmeStatus.Success, Identify(IdentifyCns.ControllerList, controllerId: 2));
        Assert.Equal(0u, Data<uint>());
        Assert.Equal(NvmeStatus.Success, Identify(IdentifyCns.ControllersOfNamespace, 1));
        Assert.Equal(0x0001_0001u, Data<uint>());
        Assert.Equal(NvmeStatus.Success, Identify(IdentifyCns.ControllersOfNamespace, 9));
        Assert.Equal(0u, Data<uint>());
    }

    private uint[] List(int count) => [.. System.Runtime.InteropServices.MemoryMarshal.Cast<byte, uint>(Harness.Host.Bytes(Page, count * 4))];
}
