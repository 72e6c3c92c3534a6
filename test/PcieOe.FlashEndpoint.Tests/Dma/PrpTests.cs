using PcieOe.FlashEndpoint.Tests.Harness;
using PcieOe.Protocol.Functions;
using PcieOe.Protocol.Nvme;
using Xunit;

namespace PcieOe.FlashEndpoint.Tests.Dma;

public sealed class PrpTests : IDisposable
{
    private readonly ControllerHarness _harness;
    private readonly TestQueue _io;
    private readonly ulong _data;
    private readonly ulong _lists;

    public PrpTests()
    {
        _harness = ControllerHarness.Ready(out _io, ControllerHarness.MakeOptions(1 << 20));
        _data = _harness.AllocatePages(80);
        _lists = _harness.AllocatePages(4);
    }

    public void Dispose() => _harness.Dispose();

    [Theory]
    [InlineData(1, 0)]
    [InlineData(1, 512)]
    [InlineData(8, 0)]
    [InlineData(8, 4)]
    [InlineData(9, 2048)]
    [InlineData(16, 0)]
    [InlineData(16, 4092)]
    [InlineData(17, 0)]
    [InlineData(64, 1024)]
    [InlineData(256, 0)]
    [InlineData(256, 512)]
    public void Data_OfAnySizeAndOffset_GoesToItsPages(int blocks, int offset)
    {
        byte[] expected = new byte[blocks * 512];
        new Random(blocks).NextBytes(expected);
        SubmissionEntry write = ControllerHarness.IoEntry(NvmOpcode.Write, 100, blocks);
        Scatter(ref write, offset, _data, expected.Length, out List<(ulong Address, int Length)> pieces);
        Copy(expected, pieces);
        Assert.Equal(NvmeStatus.Success, _harness.Run(_io, write).Status);
        _harness.Host.Bytes(_data, 80 * 4096).Fill(0xA5);
        Assert.Equal(NvmeStatus.Success, _harness.Run(_io, write with { Opcode = (byte)NvmOpcode.Read }).Status);
        Assert.Equal(expected, Gather(pieces));
        Assert.Equal(expected.Length, 80 * 4096 - _harness.Host.Bytes(_data, 80 * 4096).Count((byte)0xA5) + expected.Count(b => b == 0xA5));
    }

    [Fact]
    public void List_ThatContinuesOnAnotherPage_IsFollowed()
    {
        // The list starts 16 bytes before the end of its page: one entry and the link to the rest.
        byte[] expected = new byte[5 * 4096];
        new Random(5).NextBytes(expected);
        SubmissionEntry write = ControllerHarness.IoEntry(NvmOpcode.Write, 0, 40, _data, _lists + 4096 - 16);
        WriteList(_lists + 4096 - 16, _data + 3 * 4096, _lists + 2 * 4096);
        WriteList(_lists + 2 * 4096, _data + 9 * 4096, _data + 1 * 4096, _data + 7 * 4096);
        List<(ulong, int)> pieces = [(_data, 4096), (_data + 3 * 4096, 4096), (_data + 9 * 4096, 4096), (_data + 4096, 4096), (_data + 7 * 4096, 4096)];
        Copy(expected, pieces);
        Assert.Equal(NvmeStatus.Success, _harness.Run(_io, write).Status);
        _harness.Host.Bytes(_data, 80 * 4096).Clear();
        Assert.Equal(NvmeStatus.Success, _harness.Run(_io, write with { Opcode = (byte)NvmOpcode.Read }).Status);
        Assert.Equal(expected, Gather(pieces));
    }

    [Fact]
    public void List_InTheMemoryBuffer_IsReadWithoutDma()
    {
        ulong list = _harness.AllocateMemoryBuffer(1);
        byte[] entries = new byte[24];
        for (int i = 0; i < 3; i++)
        {
            BitConverter.TryWriteBytes(entries.AsSpan(i * 8), _data + (ulong)(10 + 2 * i) * 4096);
        }

        _harness.Function.TryWriteMemory(ControllerHarness.Bar2 + list - ControllerHarness.MemoryBufferBase, entries, 0);
        _harness.Host.ReadLog.Clear();
        Assert.Equal(NvmeStatus.Success, _harness.Run(_io, ControllerHarness.IoEntry(NvmOpcode.Read, 0, 32, _data, list)).Status);
        Assert.Single(_harness.Host.ReadLog);
    }

    [Theory]
    [InlineData(2, 0, NvmeStatus.PrpOffsetInvalid)]
    [InlineData(0, 512, NvmeStatus.PrpOffsetInvalid)]
    [InlineData(0, 4, NvmeStatus.PrpOffsetInvalid)]
    public void Prp_WithAWrongOffset_IsRefused(int first, int second, NvmeStatus expected) => Assert.Equal(expected,
        _harness.Run(_io, ControllerHarness.IoEntry(NvmOpcode.Read, 0, 16, _data + (ulong)first, _data + 4096 + (ulong)second)).Status);

    [Fact]
    public void List_AtAWrongOffset_IsRefused() => Assert.Equal(NvmeStatus.PrpOffsetInvalid,
        _harness.Run(_io, ControllerHarness.IoEntry(NvmOpcode.Read, 0, 64, _data, _lists + 4)).Status);

    [Fact]
    public void ListEntry_WithAnOffset_IsRefused()
    {
        WriteList(_lists, _data + 4096, _data + 8192 + 8, _data + 3 * 4096);
        Assert.Equal(NvmeStatus.PrpOffsetInvalid, _harness.Run(_io, ControllerHarness.IoEntry(NvmOpcode.Read, 0, 32, _data, _lists)).Status);
    }

    [Fact]
    public void List_ThatLinksToItself_Ends()
    {
        ulong last = _lists + 4096 - 8;
        WriteList(last, last);
        Assert.Equal(NvmeStatus.PrpOffsetInvalid, _harness.Run(_io, ControllerHarness.IoEntry(NvmOpcode.Read, 0, 64, _data, last)).Status);
        Assert.True(_harness.Function.IsIdle);
    }

    [Fact]
    public void List_ThatCannotBeRead_IsADataTransferError()
    {
        _harness.Host.FailRead = address => address == _lists ? DmaReadStatus.CompleterAbort : DmaReadStatus.Success;
        CompletionEntry entry = _harness.Run(_io, ControllerHarness.IoEntry(NvmOpcode.Read, 0, 64, _data, _lists));
        Assert.Equal(NvmeStatus.DataTransferError, entry.Status);
        Assert.False(entry.DoNotRetry);
    }

    [Theory]
    [InlineData(DmaReadStatus.UnsupportedRequest)]
    [InlineData(DmaReadStatus.CompleterAbort)]
    [InlineData(DmaReadStatus.TimedOut)]
    public void WriteData_ThatCannotBeRead_IsADataTransferErrorAndChangesNothing(DmaReadStatus status)
    {
        _harness.Host.Bytes(_data, 8192).Fill(1);
        _harness.Host.FailRead = address => address == _data + 12288 ? status : DmaReadStatus.Success;
        SubmissionEntry write = ControllerHarness.IoEntry(NvmOpcode.Write, 0, 16, _data, _data + 12288);
        Assert.Equal(NvmeStatus.DataTransferError, _harness.Run(_io, write).Status);
        Assert.Equal(NvmeStatus.Success, _harness.Run(_io, ControllerHarness.IoEntry(NvmOpcode.Read, 0, 1, _data)).Status);
        Assert.Equal(-1, _harness.Host.Bytes(_data, 512).IndexOfAnyExcept((byte)0));
        Assert.True(_harness.Function.IsIdle);
    }

    [Fact]
    public void Data_AtTheEndOfTheAddressSpace_IsADataTransferError() => Assert.Equal(NvmeStatus.DataTransferError,
        _harness.Run(_io, ControllerHarness.IoEntry(NvmOpcode.Write, 0, 16, 0xFFFF_FFFF_FFFF_F000, _data)).Status);

    [Fact]
    public void Entry_WithTheReservedPointerKind_IsRefused()
    {
        SubmissionEntry read = ControllerHarness.IoEntry(NvmOpcode.Read, 0, 1, _data);
        read.DataPointer = DataPointerKind.Reserved;
        Assert.Equal(NvmeStatus.InvalidField, _harness.Run(_io, read).Status);
    }

    [Fact]
    public void PartialWrites_OfOneCommand_GoOnWhereTheyStopped()
    {
        byte[] expected = new byte[16 * 4096];
        new Random(9).NextBytes(expected);
        SubmissionEntry write = ControllerHarness.IoEntry(NvmOpcode.Write, 0, 128);
        Scatter(ref write, 516, _data, expected.Length, out List<(ulong, int)> pieces);
        Copy(expected, pieces);
        Assert.Equal(NvmeStatus.Success, _harness.Run(_io, write).Status);
        _harness.Host.Bytes(_data, 80 * 4096).Clear();
        _harness.Host.MaximumWriteBytes = 1000;
        _harness.Host.RoomBytesPerCall = 1010;
        Assert.Equal(NvmeStatus.Success, _harness.Run(_io, write with { Opcode = (byte)NvmOpcode.Read }).Status);
        Assert.Equal(expected, Gather(pieces));
        Assert.Equal(2, _harness.Host.Interrupts.Count(interrupt => interrupt.Data == 0x101));
    }

    // Every other page, so that nothing can be joined.
    private void Scatter(ref SubmissionEntry entry, int offset, ulong start, int length, out List<(ulong Address, int Length)> pieces)
    {
        pieces = [];
        entry.Prp1 = start + (ulong)offset;
        int first = Math.Min(length, 4096 - offset);
        pieces.Add((entry.Prp1, first));
        int left = length - first;
        ulong page = start + 2 * 4096;
        var rest = new List<ulong>();
        while (left > 0)
        {
            rest.Add(page);
            pieces.Add((page, Math.Min(left, 4096)));
            left -= 4096;
            page += 2 * 4096;
        }

        if (rest.Count == 1)
        {
            entry.Prp2 = rest[0];
        }
        else if (rest.Count > 1)
        {
            entry.Prp2 = _lists;
            WriteList(_lists, [.. rest]);
        }
    }

    private void WriteList(ulong address, params ulong[] entries)
    {
        for (int i = 0; i < entries.Length; i++)
        {
            BitConverter.TryWriteBytes(_harness.Host.Bytes(address + (ulong)i * 8, 8), entries[i]);
        }
    }

    private void Copy(ReadOnlySpan<byte> data, List<(ulong Address, int Length)> pieces)
    {
        foreach ((ulong address, int length) in pieces)
        {
            data[..length].CopyTo(_harness.Host.Bytes(address, length));
            data = data[length..];
        }
    }

    private byte[] Gather(List<(ulong Address, int Length)> pieces)
    {
        var bytes = new List<byte>();
        foreach ((ulong address, int length) in pieces)
        {
            bytes.AddRange(_harness.Host.Bytes(address, length));
        }

        return [.. bytes];
    }
}
