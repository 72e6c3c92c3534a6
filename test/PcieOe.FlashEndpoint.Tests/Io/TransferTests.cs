using PcieOe.FlashEndpoint.Media;
using PcieOe.FlashEndpoint.Tests.Harness;
using PcieOe.Protocol.Nvme;
using Xunit;

namespace PcieOe.FlashEndpoint.Tests.Io;

public sealed class TransferOnMemoryTests() : TransferTests(null);

public sealed class TransferOnSlowMediaTests() : TransferTests(new SlowMedia(3 << 20));

/// <summary>Read, Write and Compare.</summary>
public abstract class TransferTests : IoTestBase
{
    private const uint ForceUnitAccess = 1u << 30;

    private protected TransferTests(IBlockMedia? media)
        : base(media)
    {
    }

    [Theory]
    [InlineData(1u, 512, 16)]
    [InlineData(2u, 4096, 2)]
    public void Blocks_Written_ReadBackAlone(uint namespaceId, int blockBytes, int blocks)
    {
        new Random(1).NextBytes(Buffer(0, 8192));
        Assert.Equal(NvmeStatus.Success, Run(NvmOpcode.Write, 5, blocks, namespaceId));
        Assert.Equal(NvmeStatus.Success, Run(NvmOpcode.Read, 5, blocks, namespaceId, page: 2));
        Assert.Equal(Buffer(0, blocks * blockBytes).ToArray(), Buffer(2, blocks * blockBytes).ToArray());
        Assert.Equal(0, Value(4, namespaceId));
        Assert.Equal(0, Value(5 + (ulong)blocks, namespaceId));
    }

    [Theory]
    [InlineData(NvmOpcode.Read)]
    [InlineData(NvmOpcode.Write)]
    [InlineData(NvmOpcode.Compare)]
    public void Blocks_BeyondTheNamespace_AreRefused(NvmOpcode opcode)
    {
        Assert.Equal(NvmeStatus.Success, Run(opcode, 2047));
        Assert.Equal(NvmeStatus.LbaOutOfRange, Run(opcode, 2047, 2));
        Assert.Equal(NvmeStatus.LbaOutOfRange, Run(opcode, 2048));
        Assert.Equal(NvmeStatus.LbaOutOfRange, Run(opcode, ulong.MaxValue));
        Assert.Equal(NvmeStatus.LbaOutOfRange, Run(opcode, ulong.MaxValue - 1, 2));
        Assert.Equal(NvmeStatus.LbaOutOfRange, Run(opcode, 1ul << 55));
    }

    [Theory]
    [InlineData(NvmOpcode.Read)]
    [InlineData(NvmOpcode.Write)]
    [InlineData(NvmOpcode.Compare)]
    public void Transfers_BeyondTheLimit_AreRefused(NvmOpcode opcode) => Assert.Equal(NvmeStatus.InvalidField, Run(opcode, 0, 257));

    [Theory]
    [InlineData(0u)]
    [InlineData(3u)]
    [InlineData(33u)]
    [InlineData(0xFFFF_FFFFu)]
    public void Namespaces_ThatAreNotThere_AreRefused(uint namespaceId)
    {
        Assert.Equal(NvmeStatus.InvalidNamespaceOrFormat, Run(NvmOpcode.Read, namespaceId: namespaceId));
        Assert.Equal(NvmeStatus.InvalidNamespaceOrFormat, Run(NvmOpcode.Write, namespaceId: namespaceId));
    }

    [Theory]
    [InlineData(0x01)]
    [InlineData(0x02)]
    [InlineData(0x04)]
    [InlineData(0x20)]
    public void FusedAndReservedFlags_AreRefused(byte flags)
    {
        SubmissionEntry entry = ControllerHarness.IoEntry(NvmOpcode.Read, 0, 1, Page) with { Flags = flags };
        Assert.Equal(NvmeStatus.InvalidField, Harness.Run(Queue, entry).Status);
    }

    [Theory]
    [InlineData(NvmOpcode.WriteUncorrectable)]
    [InlineData(NvmOpcode.Copy)]
    [InlineData((NvmOpcode)0x0D)]
    [InlineData((NvmOpcode)0x80)]
    public void Opcodes_NotSupported_AreRefused(NvmOpcode opcode) => Assert.Equal(NvmeStatus.InvalidOpcode, Run(opcode));

    [Fact]
    public void Compare_OfEqualAndOtherData_TellsThemApart()
    {
        new Random(2).NextBytes(Buffer(0, 8192));
        Assert.Equal(NvmeStatus.Success, Run(NvmOpcode.Write, 9, 16));
        Assert.Equal(NvmeStatus.Success, Run(NvmOpcode.Compare, 9, 16));
        Buffer(0, 8192)[8191] ^= 1;
        Assert.Equal(NvmeStatus.CompareFailure, Run(NvmOpcode.Compare, 9, 16));
        Assert.Equal(NvmeStatus.Success, Run(NvmOpcode.Compare, 9, 15));
    }

    [Fact]
    public void ForcedWrite_IsAskedOfTheMediumAsSuch()
    {
        Assert.Equal(NvmeStatus.Success, Run(NvmOpcode.Write, dword12Flags: ForceUnitAccess));
        Assert.Equal(NvmeStatus.Success, Run(NvmOpcode.Read, dword12Flags: ForceUnitAccess));
        if (Harness.Media is SlowMedia media)
        {
            Assert.Equal([true, false], media.Log.Where(request => request.Operation != MediaOperation.Flush).Select(request => request.ForceUnitAccess));
        }
    }

    [Fact]
    public void ManyTransfers_AtOnce_AllEnd()
    {
        for (int i = 0; i < 60; i++)
        {
            NvmOpcode opcode = (i % 3) switch { 0 => NvmOpcode.Write, 1 => NvmOpcode.Read, _ => NvmOpcode.Compare };
            Harness.Put(Queue, ControllerHarness.IoEntry(opcode, 0, 16, Page, Page + 4096));
        }

        Harness.Ring(Queue);
        for (int i = 0; i < 60; i++)
        {
            Assert.Equal(NvmeStatus.Success, Harness.Wait(Queue).Status);
        }
    }
}
