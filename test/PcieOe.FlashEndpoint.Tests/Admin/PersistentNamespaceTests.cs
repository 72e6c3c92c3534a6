using System.Runtime.InteropServices;
using PcieOe.FlashEndpoint.Controller;
using PcieOe.FlashEndpoint.Media;
using PcieOe.FlashEndpoint.Tests.Harness;
using PcieOe.Protocol.Nvme;
using Xunit;

namespace PcieOe.FlashEndpoint.Tests.Admin;

/// <summary>What the host does to namespaces is there after a restart, where it is kept on the medium; or cannot be done at all.</summary>
public sealed class PersistentNamespaceTests : IDisposable
{
    private static readonly NvmeOptions Options = ControllerHarness.MakeOptions() with
    {
        NamespaceManagement = NamespaceManagement.Persistent,
        Namespaces = [new NamespaceOptions { SizeBytes = 1 << 20 }],
    };

    private readonly SlowMedia _media = new(4 << 20);

    public void Dispose() => _media.Dispose();

    [Fact]
    public void Namespaces_Changed_AreTheSameAfterARestart()
    {
        byte[] descriptors;
        using (ControllerHarness harness = ControllerHarness.Ready(out _, Options, _media))
        {
            Assert.Equal(NvmeStatus.Success, Create(harness, 64));
            Assert.Equal(NvmeStatus.Success, Attach(harness, 2));
            Assert.Equal(NvmeStatus.Success, Run(harness, AdminOpcode.FormatNvm, 1, 1));
            Assert.Equal(NvmeStatus.Success, Create(harness, 32));
            Assert.Equal(NvmeStatus.Success, Run(harness, AdminOpcode.NamespaceManagement, 1, 3));
            descriptors = Describe(harness, 2);
        }

        using ControllerHarness again = ControllerHarness.Ready(out TestQueue io, Options with { Namespaces = [] }, _media);
        Assert.Equal(256ul, Identify(again, 1).SizeBlocks);
        Assert.Equal(64ul, Identify(again, 2).SizeBlocks);
        Assert.Equal(0ul, Identify(again, 3).SizeBlocks);
        Assert.Equal(descriptors, Describe(again, 2));
        Assert.Equal(NvmeStatus.Success, again.Run(io, ControllerHarness.IoEntry(NvmOpcode.Read, 0, 1, again.AllocatePages(1), namespaceId: 2)).Status);
    }

    [Fact]
    public void TableWrites_AreForcedAndAlternate()
    {
        using ControllerHarness harness = ControllerHarness.Ready(out _, Options, _media);
        Assert.Equal(NvmeStatus.Success, Create(harness, 64));
        Assert.Equal(NvmeStatus.Success, Attach(harness, 2));
        Assert.Equal(NvmeStatus.Success, Create(harness, 64));
        MediaRequest[] writes = [.. _media.Log.Where(request => request.Operation == MediaOperation.Write)];
        Assert.All(writes, write => Assert.True(write.ForceUnitAccess));
        long area = (4 << 20) - NamespaceStore.AreaBytes;
        Assert.Equal([area, area + 4096, area], writes.Select(write => write.Offset));
    }

    [Fact]
    public void TableWrite_TornByAPowerCut_LeavesTheOneBefore()
    {
        using (ControllerHarness harness = ControllerHarness.Ready(out _, Options, _media))
        {
            Assert.Equal(NvmeStatus.Success, Create(harness, 64));
            Assert.Equal(NvmeStatus.Success, Create(harness, 64));
        }

        int second = (4 << 20) - (int)NamespaceStore.AreaBytes + 4096;
        _media.Content[second + 100] ^= 0x55;
        using ControllerHarness again = ControllerHarness.Ready(out _, Options, _media);
        Assert.Equal([1u, 2u, 0u], List(again));
    }

    [Fact]
    public void TableWrite_ThatFails_FailsTheCommand()
    {
        using ControllerHarness harness = ControllerHarness.Ready(out _, Options, _media);
        _media.Outcome = request => request.Operation == MediaOperation.Write ? MediaStatus.OutOfSpace : MediaStatus.Success;
        Assert.Equal(NvmeStatus.CapacityExceeded, Create(harness, 64));
    }

    [Fact]
    public void Namespaces_MayNotReachIntoTheTable()
    {
        using ControllerHarness harness = ControllerHarness.Ready(out _, Options, _media);
        ulong left = (3 << 20) - NamespaceStore.AreaBytes;
        Assert.Equal(NvmeStatus.NamespaceInsufficientCapacity, Create(harness, left / 4096 + 1));
        Assert.Equal(NvmeStatus.Success, Create(harness, left / 4096));
        Assert.Contains(Options.Validate(1 << 20), mistake => mistake.Contains("1048576", StringComparison.Ordinal));
    }

    [Fact]
    public void Table_ThatDoesNotFitTheMedium_IsRefusedWithAdvice()
    {
        using (ControllerHarness harness = ControllerHarness.Ready(out _, Options, _media))
        {
            Assert.Equal(NvmeStatus.Success, Create(harness, 64));
        }

        var exception = Assert.Throws<MediaException>(() => new ControllerHarness(Options with { MaximumNamespaces = 1 }, _media));
        Assert.Contains("namespace 2", exception.Message, StringComparison.Ordinal);
        _media.Outcome = _ => MediaStatus.ReadError;
        Assert.Throws<MediaException>(() => new ControllerHarness(Options, _media));
    }

    [Fact]
    public void Namespaces_NotManaged_StayAsConfigured()
    {
        using ControllerHarness harness = ControllerHarness.Ready(out _, Options with { NamespaceManagement = NamespaceManagement.Off }, _media);
        Assert.Equal(NvmeStatus.InvalidOpcode, Create(harness, 64));
        Assert.Equal(NvmeStatus.InvalidOpcode, Attach(harness, 1));
        Assert.Equal(NvmeStatus.InvalidFormat, Run(harness, AdminOpcode.FormatNvm, 1, 1));
        Assert.Equal(NvmeStatus.Success, Run(harness, AdminOpcode.FormatNvm, 0, 1));
        ulong page = harness.AllocatePages(1);
        Assert.Equal(NvmeStatus.Success, harness.RunAdmin(ControllerHarness.AdminEntry(AdminOpcode.Identify) with { CommandDword10 = 1, Prp1 = page }).Status);
        Assert.Equal(1 << 1, MemoryMarshal.Read<IdentifyController>(harness.Host.Bytes(page, 4096)).OptionalAdminCommands);
    }

    private static NvmeStatus Run(ControllerHarness harness, AdminOpcode opcode, uint dword10, uint namespaceId, ulong page = 0) =>
        harness.RunAdmin(ControllerHarness.AdminEntry(opcode, namespaceId) with { CommandDword10 = dword10, Prp1 = page }).Status;

    private static NvmeStatus Create(ControllerHarness harness, ulong blocks)
    {
        ulong page = harness.AllocatePages(1);
        var data = new IdentifyNamespace { SizeBlocks = blocks, CapacityBlocks = blocks, FormattedLbaSize = 1 };
        MemoryMarshal.Write(harness.Host.Bytes(page, 4096), in data);
        return Run(harness, AdminOpcode.NamespaceManagement, 0, 0, page);
    }

    private static NvmeStatus Attach(ControllerHarness harness, uint id)
    {
        ulong page = harness.AllocatePages(1);
        BitConverter.TryWriteBytes(harness.Host.Bytes(page, 4), 0x0001_0001u);
        return Run(harness, AdminOpcode.NamespaceAttachment, 0, id, page);
    }

    private static IdentifyNamespace Identify(ControllerHarness harness, uint id)
    {
        ulong page = harness.AllocatePages(1);
        Assert.Equal(NvmeStatus.Success, Run(harness, AdminOpcode.Identify, 0, id, page));
        return MemoryMarshal.Read<IdentifyNamespace>(harness.Host.Bytes(page, 4096));
    }

    private static byte[] Describe(ControllerHarness harness, uint id)
    {
        ulong page = harness.AllocatePages(1);
        Assert.Equal(NvmeStatus.Success, Run(harness, AdminOpcode.Identify, 3, id, page));
        return harness.Host.Bytes(page, 48).ToArray();
    }

    private static uint[] List(ControllerHarness harness)
    {
        ulong page = harness.AllocatePages(1);
        Assert.Equal(NvmeStatus.Success, Run(harness, AdminOpcode.Identify, 0x10, 0, page));
        return [.. MemoryMarshal.Cast<byte, uint>(harness.Host.Bytes(page, 12))];
    }
}
