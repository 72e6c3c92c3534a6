using System.Runtime.InteropServices;
using PcieOe.FlashEndpoint.Controller;
using PcieOe.FlashEndpoint.Media;
using PcieOe.FlashEndpoint.Tests.Harness;
using PcieOe.Protocol.Nvme;
using Xunit;

namespace PcieOe.FlashEndpoint.Tests.Admin;

public sealed class NamespaceTests : AdminTestBase
{
    public NamespaceTests()
        : base(ControllerHarness.MakeOptions() with { MaximumNamespaces = 4, Namespaces = [new NamespaceOptions { SizeBytes = 2 << 20 }] })
    {
    }

    [Fact]
    public void Namespace_CreatedAndAttached_WorksBesideTheOthers()
    {
        Harness.Host.Bytes(Page, 4096).Fill(0x11);
        Assert.Equal(NvmeStatus.Success, RunIo(NvmOpcode.Write, 4088, 8));
        CompletionEntry created = Create(256, 1);
        Assert.Equal((NvmeStatus.Success, 2u), (created.Status, created.Result));
        Assert.Equal(NvmeStatus.InvalidNamespaceOrFormat, RunIo(NvmOpcode.Read, namespaceId: 2));
        Assert.Equal(NvmeStatus.Success, Attach(2, 0));
        Assert.Equal(NvmeStatus.NamespaceAlreadyAttached, Attach(2, 0));

        Harness.Host.Bytes(Page, 4096).Fill(0x22);
        Assert.Equal(NvmeStatus.Success, RunIo(NvmOpcode.Write, 0, 1, 2));
        Assert.Equal(NvmeStatus.Success, RunIo(NvmOpcode.Write, 255, 1, 2));
        Assert.Equal(NvmeStatus.LbaOutOfRange, RunIo(NvmOpcode.Write, 256, 1, 2));
        Assert.Equal(NvmeStatus.Success, RunIo(NvmOpcode.Read, 4088, 8));
        Assert.Equal(-1, Harness.Host.Bytes(Page, 4096).IndexOfAnyExcept((byte)0x11));

        Assert.Equal(NvmeStatus.Success, Attach(2, 1));
        Assert.Equal(NvmeStatus.NamespaceNotAttached, Attach(2, 1));
        Assert.Equal(NvmeStatus.InvalidNamespaceOrFormat, RunIo(NvmOpcode.Read, namespaceId: 2));
    }

    [Fact]
    public void Namespace_DeletedAndCreatedAgain_HoldsNothingOfBefore()
    {
        Assert.Equal(2u, Create(256, 1).Result);
        Assert.Equal(NvmeStatus.Success, Attach(2, 0));
        Harness.Host.Bytes(Page, 4096).Fill(0x33);
        Assert.Equal(NvmeStatus.Success, RunIo(NvmOpcode.Write, 10, 1, 2));
        Assert.Equal(NvmeStatus.Success, Delete(2));
        Assert.Equal(NvmeStatus.InvalidNamespaceOrFormat, RunIo(NvmOpcode.Read, 10, 1, 2));
        Assert.Equal(2u, Create(256, 1).Result);
        Assert.Equal(NvmeStatus.Success, Attach(2, 0));
        Assert.Equal(NvmeStatus.Success, RunIo(NvmOpcode.Read, 10, 1, 2));
        Assert.Equal(-1, Harness.Host.Bytes(Page, 4096).IndexOfAnyExcept((byte)0));
    }

    [Fact]
    public void Namespaces_AllDeleted_LeaveTheWholeCapacity()
    {
        Assert.Equal(NvmeStatus.Success, Create(16, 0).Status);
        Assert.Equal(NvmeStatus.Success, Delete(0xFFFF_FFFF));
        Assert.Equal(NvmeStatus.Success, Identify(IdentifyCns.AllocatedNamespaceList));
        Assert.Equal(0u, Data<uint>());
        Assert.Equal(NvmeStatus.Success, Identify(IdentifyCns.Controller));
        Assert.Equal(8ul << 20, Data<IdentifyController>().UnallocatedCapacityBytes);
        Assert.Equal(1u, Create(8 << 20 >> 9, 0).Result);
    }

    [Fact]
    public void Namespaces_TooLargeOrTooMany_AreRefused()
    {
        Assert.Equal(NvmeStatus.NamespaceInsufficientCapacity, Create((6 << 20 >> 9) + 1, 0).Status);
        Assert.Equal(NvmeStatus.NamespaceInsufficientCapacity, Create(ulong.MaxValue, 0).Status);
        Assert.Equal(NvmeStatus.NamespaceInsufficientCapacity, Create(1ul << 60, 1).Status);
        for (int i = 0; i < 3; i++)
        {
            Assert.Equal(NvmeStatus.Success, Create(1, 1).Status);
        }

        Assert.Equal(NvmeStatus.NamespaceIdentifierUnavailable, Create(1, 1).Status);
    }

    [Fact]
    public void Namespace_WithSettingsNotSupported_IsRefused()
    {
        Assert.Equal(NvmeStatus.InvalidField, Create(0, 0).Status);
        Assert.Equal(NvmeStatus.InvalidField, Create(16, 0, sharing: 1).Status);
        Assert.Equal(NvmeStatus.ThinProvisioningNotSupported, Create(16, 0, capacity: 8).Status);
        Assert.Equal(NvmeStatus.InvalidFormat, Create(16, 2).Status);
        Assert.Equal(NvmeStatus.InvalidFormat, Create(16, 0x10).Status);
        Assert.Equal(NvmeStatus.InvalidField, Run(AdminOpcode.NamespaceManagement, 2).Status);
        Assert.Equal(NvmeStatus.InvalidNamespaceOrFormat, Delete(3));
        Assert.Equal(NvmeStatus.InvalidNamespaceOrFormat, Delete(0));
    }

    [Fact]
    public void ControllerList_OfAnotherController_IsRefused()
    {
        Assert.Equal(NvmeStatus.ControllerListInvalid, Attach(1, 1, controller: 9));
        Assert.Equal(NvmeStatus.InvalidNamespaceOrFormat, Attach(3, 0));
        Assert.Equal(NvmeStatus.InvalidField, Run(AdminOpcode.NamespaceAttachment, 2, namespaceId: 1).Status);
    }

    [Fact]
    public void Changes_OfNamespaces_AreAnnouncedAndListed()
    {
        Assert.Equal(NvmeStatus.Success, SetFeature(FeatureId.AsynchronousEventConfiguration, 1 << 8).Status);
        Assert.Equal(NvmeStatus.Success, Create(16, 0).Status);
        Assert.Equal(NvmeStatus.Success, Attach(2, 0));
        Harness.Submit(Harness.Admin, ControllerHarness.AdminEntry(AdminOpcode.AsynchronousEventRequest));
        Assert.Equal(0x0004_0002u, Harness.Wait(Harness.Admin).Result);
        Assert.Equal(NvmeStatus.Success, Attach(1, 1));
        Assert.Equal(NvmeStatus.Success, GetLog(LogPageId.ChangedNamespaces, 4096, retain: true));
        Assert.Equal([1u, 2u, 0u], MemoryMarshal.Cast<byte, uint>(Harness.Host.Bytes(Page, 12)).ToArray());
        Assert.Equal(NvmeStatus.Success, GetLog(LogPageId.ChangedNamespaces, 4096));
        Assert.Equal(NvmeStatus.Success, GetLog(LogPageId.ChangedNamespaces, 4096));
        Assert.Equal(0u, Data<uint>());
    }

    [Fact]
    public void Creation_WhoseWipeFails_LeavesNoNamespace()
    {
        var media = new SlowMedia(4 << 20) { Outcome = request => request.Operation == MediaOperation.Deallocate ? MediaStatus.WriteError : MediaStatus.Success };
        using ControllerHarness harness = ControllerHarness.Ready(out _, ControllerHarness.MakeOptions() with { Namespaces = [new NamespaceOptions { SizeBytes = 4096 }] }, media);
        ulong page = harness.AllocatePages(1);
        var data = new IdentifyNamespace { SizeBlocks = 8, CapacityBlocks = 8 };
        MemoryMarshal.Write(harness.Host.Bytes(page, 4096), in data);
        CompletionEntry entry = harness.RunAdmin(ControllerHarness.AdminEntry(AdminOpcode.NamespaceManagement) with { Prp1 = page });
        Assert.Equal(NvmeStatus.WriteFault, entry.Status);
        entry = harness.RunAdmin(ControllerHarness.AdminEntry(AdminOpcode.Identify, 1) with { CommandDword10 = 0x10, Prp1 = page });
        Assert.Equal(0u, MemoryMarshal.Read<uint>(harness.Host.Bytes(page, 4)));
    }

    [Fact]
    public void Changes_ThatNoListTheHostReadsShows_AreNotAnnounced()
    {
        Assert.Equal(NvmeStatus.Success, SetFeature(FeatureId.AsynchronousEventConfiguration, 1 << 8).Status);
        Assert.Equal(2u, Create(256, 1).Result);
        Assert.Equal(NvmeStatus.Success, Run(AdminOpcode.FormatNvm, namespaceId: 1).Status);
        Assert.Equal(NvmeStatus.Success, Delete(2));
        Harness.Submit(Harness.Admin, ControllerHarness.AdminEntry(AdminOpcode.AsynchronousEventRequest));
        Harness.Settle();
        Assert.False(Harness.TryTake(Harness.Admin, out _));

        // Other blocks are another size in Identify.
        Harness.Submit(Harness.Admin, Entry(AdminOpcode.FormatNvm, 1, 0, 1));
        Assert.Contains(0x0004_0002u, new[] { Harness.Wait(Harness.Admin).Result, Harness.Wait(Harness.Admin).Result });
        Assert.Equal(NvmeStatus.Success, GetLog(LogPageId.ChangedNamespaces, 4096));
        Assert.Equal([1u, 0u], MemoryMarshal.Cast<byte, uint>(Harness.Host.Bytes(Page, 8)).ToArray());
    }

    [Fact]
    public void Format_ToBlocksLargerThanTheNamespace_IsRefused()
    {
        Assert.Equal(2u, Create(7, 0).Result);
        Assert.Equal(NvmeStatus.Success, Attach(2, 0));
        Assert.Equal(NvmeStatus.InvalidFormat, Run(AdminOpcode.FormatNvm, 1, namespaceId: 2).Status);
        Assert.Equal(NvmeStatus.Success, Run(AdminOpcode.FormatNvm, 0, namespaceId: 2).Status);
    }

    private CompletionEntry Create(ulong blocks, byte format, ulong? capacity = null, byte sharing = 0)
    {
        var data = new IdentifyNamespace { SizeBlocks = blocks, CapacityBlocks = capacity ?? blocks, FormattedLbaSize = format, Sharing = sharing };
        MemoryMarshal.Write(Harness.Host.Bytes(Page, 4096), in data);
        return Run(AdminOpcode.NamespaceManagement);
    }

    private NvmeStatus Delete(uint id) => Run(AdminOpcode.NamespaceManagement, 1, namespaceId: id).Status;

    private NvmeStatus Attach(uint id, uint select, ushort controller = 1)
    {
        Harness.Host.Bytes(Page, 4096).Clear();
        BitConverter.TryWriteBytes(Harness.Host.Bytes(Page, 2), (ushort)1);
        BitConverter.TryWriteBytes(Harness.Host.Bytes(Page + 2, 2), controller);
        return Run(AdminOpcode.NamespaceAttachment, select, namespaceId: id).Status;
    }
}
