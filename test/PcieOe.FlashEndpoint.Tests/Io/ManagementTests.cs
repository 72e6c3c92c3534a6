using PcieOe.FlashEndpoint.Media;
using PcieOe.FlashEndpoint.Tests.Harness;
using PcieOe.Protocol.Nvme;
using Xunit;

namespace PcieOe.FlashEndpoint.Tests.Io;

public sealed class ManagementOnMemoryTests() : ManagementTests(null);

public sealed class ManagementOnSlowMediaTests() : ManagementTests(new SlowMedia(3 << 20));

/// <summary>Flush, Write Zeroes, Dataset Management and Verify.</summary>
public abstract class ManagementTests : IoTestBase
{
    private const uint Deallocate = 1u << 25;

    private protected ManagementTests(IBlockMedia? media)
        : base(media)
    {
    }

    [Fact]
    public void Flush_OfOneOrAllNamespaces_Succeeds()
    {
        Assert.Equal(NvmeStatus.Success, Run(NvmOpcode.Flush));
        Assert.Equal(NvmeStatus.Success, Run(NvmOpcode.Flush, namespaceId: 0xFFFF_FFFF));
        Assert.Equal(NvmeStatus.InvalidNamespaceOrFormat, Run(NvmOpcode.Flush, namespaceId: 3));
        Assert.Equal(NvmeStatus.InvalidNamespaceOrFormat, Run(NvmOpcode.Flush, namespaceId: 0));
        if (Harness.Media is SlowMedia media)
        {
            Assert.Equal(2, media.Log.Count(request => request.Operation == MediaOperation.Flush));
        }
    }

    [Theory]
    [InlineData(0u)]
    [InlineData(Deallocate)]
    public void WriteZeroes_OfARange_ZeroesItAlone(uint flags)
    {
        Fill(0, 16, 0x55);
        Assert.Equal(NvmeStatus.Success, Run(NvmOpcode.WriteZeroes, 3, 5, dword12Flags: flags));
        Assert.Equal(0x55, Value(2));
        Assert.Equal(0, Value(3));
        Assert.Equal(0, Value(7));
        Assert.Equal(0x55, Value(8));
    }

    [Fact]
    public void WriteZeroes_LargerThanATransfer_Succeeds()
    {
        Fill(2040, 8, 0x66);
        Assert.Equal(NvmeStatus.Success, Run(NvmOpcode.WriteZeroes, 0, 2048));
        Assert.Equal(0, Value(2047));
        Assert.Equal(NvmeStatus.LbaOutOfRange, Run(NvmOpcode.WriteZeroes, 1, 2048));
        Assert.Equal(NvmeStatus.InvalidNamespaceOrFormat, Run(NvmOpcode.WriteZeroes, namespaceId: 9));
    }

    [Fact]
    public void DatasetManagement_Deallocating_ZeroesItsRangesAlone()
    {
        Fill(0, 16, 0x77);
        WriteRange(0, 1, 2);
        WriteRange(1, 0, 0);
        WriteRange(2, 14, 2);
        Assert.Equal(NvmeStatus.Success, Manage(3, 4));
        Assert.Equal([0x77, 0, 0, 0x77, 0x77, 0, 0], new[] { Value(0), Value(1), Value(2), Value(3), Value(13), Value(14), Value(15) });
    }

    [Fact]
    public void DatasetManagement_WithoutDeallocating_ChangesNothing()
    {
        Fill(0, 16, 0x78);
        WriteRange(0, 0, 16);
        Assert.Equal(NvmeStatus.Success, Manage(1, 3));
        Assert.Equal(0x78, Value(0));
    }

    [Fact]
    public void DatasetManagement_WithOneRangeOutside_ChangesNothing()
    {
        Fill(0, 16, 0x79);
        WriteRange(0, 0, 16);
        WriteRange(1, 2047, 2);
        Assert.Equal(NvmeStatus.LbaOutOfRange, Manage(2, 4));
        WriteRange(1, ulong.MaxValue, 2);
        Assert.Equal(NvmeStatus.LbaOutOfRange, Manage(2, 4));
        Assert.Equal(0x79, Value(0));
    }

    [Fact]
    public void DatasetManagement_Of256Ranges_TakesThemAll()
    {
        for (int i = 0; i < 256; i++)
        {
            WriteRange(i, (ulong)i * 8, 1);
        }

        Fill(255 * 8, 2, 0x7A);
        for (int i = 0; i < 256; i++)
        {
            WriteRange(i, (ulong)i * 8, 1);
        }

        Assert.Equal(NvmeStatus.Success, Manage(256, 4));
        Assert.Equal(0, Value(255 * 8));
        Assert.Equal(0x7A, Value(255 * 8 + 1));
    }

    [Fact]
    public void Verify_OfARange_IsCheckedLikeARead()
    {
        Assert.Equal(NvmeStatus.Success, Run(NvmOpcode.Verify, 0, 256));
        Assert.Equal(NvmeStatus.InvalidField, Run(NvmOpcode.Verify, 0, 257));
        Assert.Equal(NvmeStatus.LbaOutOfRange, Run(NvmOpcode.Verify, 2048));
    }

    private void WriteRange(int index, ulong lba, uint blocks)
    {
        Span<byte> range = Buffer(0, 4096).Slice(index * 16, 16);
        range.Clear();
        BitConverter.TryWriteBytes(range[4..], blocks);
        BitConverter.TryWriteBytes(range[8..], lba);
    }

    private NvmeStatus Manage(int ranges, uint attributes)
    {
        SubmissionEntry entry = ControllerHarness.IoEntry(NvmOpcode.DatasetManagement, prp1: Page);
        entry.CommandDword10 = (uint)(ranges - 1);
        entry.CommandDword11 = attributes;
        return Harness.Run(Queue, entry).Status;
    }
}
