using System.Runtime.InteropServices;
using PcieOe.FlashEndpoint.Tests.Harness;
using PcieOe.Protocol.Functions;
using PcieOe.Protocol.Nvme;
using Xunit;

namespace PcieOe.FlashEndpoint.Tests.Dma;

public sealed class SglTests : IDisposable
{
    private readonly ControllerHarness _harness;
    private readonly TestQueue _io;
    private readonly ulong _data;
    private readonly ulong _lists;

    public SglTests()
    {
        _harness = ControllerHarness.Ready(out _io, ControllerHarness.MakeOptions(1 << 20));
        _data = _harness.AllocatePages(64);
        _lists = _harness.AllocatePages(8);
        _harness.Host.Bytes(_data, 64 * 4096).Fill(0xA5);
    }

    public void Dispose() => _harness.Dispose();

    [Fact]
    public void DataBlock_InTheEntry_IsTheWholeTransfer()
    {
        byte[] expected = Fill(0, 32);
        Assert.Equal(NvmeStatus.Success, Read(32, Block(_data + 4099, 32 * 512)));
        Assert.Equal(expected, _harness.Host.Bytes(_data + 4099, 32 * 512).ToArray());
        Assert.Equal(0xA5, _harness.Host.Bytes(_data + 4098, 1)[0]);
    }

    [Fact]
    public void LastSegment_OfOddPieces_IsFollowedInOrder()
    {
        byte[] expected = Fill(0, 4);
        WriteList(_lists, Block(_data, 1), Block(_data + 100, 0), Block(_data + 8191, 1000), Block(_data + 20000, 1047));
        Assert.Equal(NvmeStatus.Success, Read(4, Segment(SglType.LastSegment, _lists, 4)));
        Assert.Equal(expected[0], _harness.Host.Bytes(_data, 1)[0]);
        Assert.Equal(expected[1..1001], _harness.Host.Bytes(_data + 8191, 1000).ToArray());
        Assert.Equal(expected[1001..2048], _harness.Host.Bytes(_data + 20000, 1047).ToArray());
    }

    [Fact]
    public void Segments_Chained_AreFollowed()
    {
        byte[] expected = Fill(0, 4);
        WriteList(_lists, Block(_data, 512), Segment(SglType.Segment, _lists + 4000, 2));
        WriteList(_lists + 4000, Block(_data + 4096, 512), Segment(SglType.LastSegment, _lists + 8192, 2));
        WriteList(_lists + 8192, Block(_data + 8192, 1000), Block(_data + 12288, 24));
        Assert.Equal(NvmeStatus.Success, Read(4, Segment(SglType.Segment, _lists, 2)));
        Assert.Equal(expected[..512], _harness.Host.Bytes(_data, 512).ToArray());
        Assert.Equal(expected[512..1024], _harness.Host.Bytes(_data + 4096, 512).ToArray());
        Assert.Equal(expected[1024..2024], _harness.Host.Bytes(_data + 8192, 1000).ToArray());
        Assert.Equal(expected[2024..], _harness.Host.Bytes(_data + 12288, 24).ToArray());
    }

    [Fact]
    public void BitBucket_OfARead_SwallowsItsPart()
    {
        byte[] expected = Fill(0, 3);
        WriteList(_lists, Block(_data, 512), SglDescriptor.Create(SglType.BitBucket, 0, 512), Block(_data + 512, 512));
        Assert.Equal(NvmeStatus.Success, Read(3, Segment(SglType.LastSegment, _lists, 3)));
        Assert.Equal(expected[..512], _harness.Host.Bytes(_data, 512).ToArray());
        Assert.Equal(expected[1024..], _harness.Host.Bytes(_data + 512, 512).ToArray());
    }

    [Fact]
    public void BitBucket_OfAWrite_CountsAsNothing()
    {
        new Random(8).NextBytes(_harness.Host.Bytes(_data, 1024));
        WriteList(_lists, Block(_data, 512), SglDescriptor.Create(SglType.BitBucket, 0, 512), Block(_data + 512, 512));
        Assert.Equal(NvmeStatus.Success, Run(NvmOpcode.Write, 2, Segment(SglType.LastSegment, _lists, 3)).Status);
        Assert.Equal(NvmeStatus.Success, Read(2, Block(_data + 4096, 1024)));
        Assert.Equal(_harness.Host.Bytes(_data, 1024).ToArray(), _harness.Host.Bytes(_data + 4096, 1024).ToArray());
    }

    [Fact]
    public void LongSegment_OfManyDescriptors_IsReadPieceByPiece()
    {
        // 270 pieces would need more than one page of descriptors; equal neighbours are joined, the others fill the slot.
        byte[] expected = Fill(0, 128);
        var list = new SglDescriptor[500];
        for (int i = 0; i < 500; i++)
        {
            list[i] = Block(_data + (ulong)i * 131, i == 499 ? 65536u - 499 * 131 : 131);
        }

        WriteList(_lists, list);
        _harness.Host.ReadLog.Clear();
        Assert.Equal(NvmeStatus.Success, Read(128, Segment(SglType.LastSegment, _lists, 500)));
        Assert.Equal([64, 4096, 500 * 16 - 4096], _harness.Host.ReadLog.Select(read => read.Length));
        Assert.Equal(expected, _harness.Host.Bytes(_data, 65536).ToArray());
    }

    [Fact]
    public void Pieces_MoreThanASlotHolds_AreRefused()
    {
        var list = new SglDescriptor[300];
        for (int i = 0; i < 300; i++)
        {
            list[i] = Block(_data + (ulong)i * 200, 128);
        }

        WriteList(_lists, list);
        Assert.Equal(NvmeStatus.InvalidNumberOfSglDescriptors, Read(75, Segment(SglType.LastSegment, _lists, 300)));
    }

    [Fact]
    public void DataBlock_LongerThanTheTransfer_IsUsedInPart()
    {
        byte[] expected = Fill(0, 1);
        Assert.Equal(NvmeStatus.Success, Read(1, Block(_data, 100_000)));
        Assert.Equal(expected, _harness.Host.Bytes(_data, 512).ToArray());
        Assert.Equal(0xA5, _harness.Host.Bytes(_data + 512, 1)[0]);
    }

    [Fact]
    public void Descriptors_ShorterThanTheTransfer_AreRefused()
    {
        Assert.Equal(NvmeStatus.DataSglLengthInvalid, Read(2, Block(_data, 1023)));
        WriteList(_lists, Block(_data, 512), Block(_data + 512, 500));
        Assert.Equal(NvmeStatus.DataSglLengthInvalid, Read(2, Segment(SglType.LastSegment, _lists, 2)));
    }

    [Theory]
    [InlineData(0x40)]
    [InlineData(0x50)]
    [InlineData(0xF0)]
    [InlineData(0x01)]
    [InlineData(0x11)]
    [InlineData(0x60)]
    public void Descriptor_OfATypeNotSupported_IsRefused(byte identifier)
    {
        Assert.Equal(NvmeStatus.SglDescriptorTypeInvalid, Read(1, new SglDescriptor { Address = _data, LengthBytes = 512, Identifier = identifier }));
        WriteList(_lists, new SglDescriptor { Address = _data, LengthBytes = 512, Identifier = identifier });
        Assert.Equal(NvmeStatus.SglDescriptorTypeInvalid, Read(1, Segment(SglType.LastSegment, _lists, 1)));
    }

    [Theory]
    [InlineData(0u)]
    [InlineData(8u)]
    [InlineData(24u)]
    public void Segment_OfAWrongLength_IsRefused(uint length) => Assert.Equal(NvmeStatus.InvalidSglSegmentDescriptor,
        Read(1, SglDescriptor.Create(SglType.LastSegment, _lists, length)));

    [Fact]
    public void Segment_AtAnOddAddress_IsRefused() => Assert.Equal(NvmeStatus.InvalidSglSegmentDescriptor, Read(1, Segment(SglType.LastSegment, _lists + 4, 1)));

    [Fact]
    public void SegmentDescriptor_InTheWrongPlace_IsRefused()
    {
        WriteList(_lists, Segment(SglType.LastSegment, _lists, 1), Block(_data, 512));
        Assert.Equal(NvmeStatus.InvalidNumberOfSglDescriptors, Read(1, Segment(SglType.Segment, _lists, 2)));
        WriteList(_lists, Segment(SglType.LastSegment, _lists, 1));
        Assert.Equal(NvmeStatus.InvalidSglSegmentDescriptor, Read(1, Segment(SglType.LastSegment, _lists, 1)));
    }

    [Fact]
    public void Segments_InACircle_End()
    {
        WriteList(_lists, Segment(SglType.Segment, _lists, 1));
        Assert.Equal(NvmeStatus.InvalidNumberOfSglDescriptors, Read(1, Segment(SglType.Segment, _lists, 1)));
        Assert.True(_harness.Function.IsIdle);
    }

    [Fact]
    public void Segment_ThatCannotBeRead_IsADataTransferError()
    {
        _harness.Host.FailRead = address => address == _lists ? DmaReadStatus.UnsupportedRequest : DmaReadStatus.Success;
        Assert.Equal(NvmeStatus.DataTransferError, Read(1, Segment(SglType.LastSegment, _lists, 1)));
    }

    [Fact]
    public void Segment_InTheMemoryBuffer_IsReadWithoutDma()
    {
        byte[] expected = Fill(0, 2);
        ulong list = _harness.AllocateMemoryBuffer(1);
        SglDescriptor[] descriptors = [Block(_data, 512), Block(_data + 4096, 512)];
        _harness.Function.TryWriteMemory(ControllerHarness.Bar2 + list - ControllerHarness.MemoryBufferBase, MemoryMarshal.AsBytes(descriptors.AsSpan()), 0);
        _harness.Host.ReadLog.Clear();
        Assert.Equal(NvmeStatus.Success, Read(2, Segment(SglType.LastSegment, list, 2)));
        Assert.Single(_harness.Host.ReadLog);
        Assert.Equal(expected[512..], _harness.Host.Bytes(_data + 4096, 512).ToArray());
    }

    [Fact]
    public void AdminCommand_WithAnSgl_IsRefused()
    {
        SubmissionEntry identify = ControllerHarness.AdminEntry(AdminOpcode.Identify) with { CommandDword10 = 1 };
        identify.DataPointer = DataPointerKind.Sgl;
        identify.Sgl = Block(_data, 4096);
        Assert.Equal(NvmeStatus.InvalidField, _harness.RunAdmin(identify).Status);
    }

    private static SglDescriptor Block(ulong address, uint length) => SglDescriptor.Create(SglType.DataBlock, address, length);

    private static SglDescriptor Segment(SglType type, ulong address, int descriptors) => SglDescriptor.Create(type, address, (uint)descriptors * 16);

    private void WriteList(ulong address, params SglDescriptor[] list) =>
        MemoryMarshal.AsBytes(list.AsSpan()).CopyTo(_harness.Host.Bytes(address, list.Length * 16));

    // Puts random content on the medium.
    private byte[] Fill(ulong lba, int blocks)
    {
        byte[] content = new byte[blocks * 512];
        new Random(blocks).NextBytes(content);
        ulong page = _harness.AllocatePages((content.Length + 4095) / 4096);
        content.CopyTo(_harness.Host.Bytes(page, content.Length));
        SubmissionEntry write = ControllerHarness.IoEntry(NvmOpcode.Write, lba, blocks);
        write.DataPointer = DataPointerKind.Sgl;
        write.Sgl = Block(page, (uint)content.Length);
        Assert.Equal(NvmeStatus.Success, _harness.Run(_io, write).Status);
        return content;
    }

    private NvmeStatus Read(int blocks, SglDescriptor descriptor) => Run(NvmOpcode.Read, blocks, descriptor).Status;

    private CompletionEntry Run(NvmOpcode opcode, int blocks, SglDescriptor descriptor)
    {
        SubmissionEntry entry = ControllerHarness.IoEntry(opcode, 0, blocks);
        entry.DataPointer = DataPointerKind.Sgl;
        entry.Sgl = descriptor;
        return _harness.Run(_io, entry);
    }
}
