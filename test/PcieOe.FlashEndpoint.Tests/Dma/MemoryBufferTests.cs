using System.Buffers.Binary;
using PcieOe.FlashEndpoint.Tests.Harness;
using PcieOe.Protocol.Functions;
using PcieOe.Protocol.Nvme;
using Xunit;

namespace PcieOe.FlashEndpoint.Tests.Dma;

public sealed class MemoryBufferTests : IDisposable
{
    private readonly ControllerHarness _harness;
    private readonly TestQueue _io;
    private readonly ulong _page;

    public MemoryBufferTests()
    {
        _harness = ControllerHarness.Ready(out _io, ControllerHarness.MakeOptions(1 << 20), inMemoryBuffer: true);
        _page = _harness.AllocatePages(4);
    }

    public void Dispose() => _harness.Dispose();

    private ControllerCapabilities Capabilities => new(_harness.Read32(ControllerHarness.Bar0) | (ulong)_harness.Read32(ControllerHarness.Bar0 + 4) << 32);

    [Fact]
    public void WriteData_InTheBuffer_IsWrittenWithoutAnyRead()
    {
        byte[] data = new byte[8192];
        new Random(4).NextBytes(data);
        ulong buffer = _harness.AllocateMemoryBuffer(2);
        Post(buffer, data);
        _harness.Host.ReadLog.Clear();
        Assert.Equal(NvmeStatus.Success, _harness.Run(_io, ControllerHarness.IoEntry(NvmOpcode.Write, 3, 16, buffer, buffer + 4096)).Status);
        Assert.Empty(_harness.Host.ReadLog);
        Assert.Equal(NvmeStatus.Success, _harness.Run(_io, ControllerHarness.IoEntry(NvmOpcode.Read, 3, 16, _page, _page + 4096)).Status);
        Assert.Equal(data, _harness.Host.Bytes(_page, 8192).ToArray());
    }

    [Fact]
    public void Switch_Off_HidesTheBufferUntilTheSessionEnds()
    {
        byte[] space = new byte[4096];
        for (int offset = 0; offset < space.Length; offset += 4)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(space.AsSpan(offset), _harness.Function.ReadConfig(offset));
        }

        Assert.True(BridgeHints.TryFind(space, out BridgeHints? hints));
        Assert.True(Capabilities.MemoryBufferSupported);
        _harness.WriteConfig(hints.MemorySwitchOffset, 0);
        _harness.Write32(ControllerHarness.Bar0 + NvmeRegister.MemoryBufferControl, 3);
        Assert.False(Capabilities.MemoryBufferSupported);
        Assert.Equal(0u, _harness.Read32(ControllerHarness.Bar0 + NvmeRegister.MemoryBufferControl));
        Assert.Equal(0u, _harness.Read32(ControllerHarness.Bar0 + NvmeRegister.MemoryBufferSize));

        _harness.Function.Reset(FunctionResetKind.FunctionLevel, 0);
        Assert.Equal(0u, _harness.Function.ReadConfig(hints.MemorySwitchOffset));
        _harness.Function.Reset(FunctionResetKind.StateLost, 0);
        Assert.Equal(1u, _harness.Function.ReadConfig(hints.MemorySwitchOffset));
    }

    [Fact]
    public void WriteData_PartlyInTheBuffer_IsJoined()
    {
        byte[] data = new byte[4096];
        new Random(4).NextBytes(data);
        ulong buffer = _harness.AllocateMemoryBuffer(1);
        Post(buffer, data);
        new Random(5).NextBytes(_harness.Host.Bytes(_page, 4096));
        Assert.Equal(NvmeStatus.Success, _harness.Run(_io, ControllerHarness.IoEntry(NvmOpcode.Write, 3, 16, buffer, _page)).Status);
        Assert.Equal(NvmeStatus.Success, _harness.Run(_io, ControllerHarness.IoEntry(NvmOpcode.Read, 3, 16, _page + 4096, _page + 8192)).Status);
        Assert.Equal(data, _harness.Host.Bytes(_page + 4096, 4096).ToArray());
        Assert.Equal(_harness.Host.Bytes(_page, 4096).ToArray(), _harness.Host.Bytes(_page + 8192, 4096).ToArray());
    }

    [Fact]
    public void ReadData_IntoTheBuffer_IsThereAtTheCompletion()
    {
        new Random(6).NextBytes(_harness.Host.Bytes(_page, 4096));
        Assert.Equal(NvmeStatus.Success, _harness.Run(_io, ControllerHarness.IoEntry(NvmOpcode.Write, 0, 8, _page)).Status);
        ulong buffer = _harness.AllocateMemoryBuffer(1);
        Assert.Equal(NvmeStatus.Success, _harness.Run(_io, ControllerHarness.IoEntry(NvmOpcode.Read, 0, 8, buffer)).Status);
        byte[] read = new byte[4096];
        Assert.True(_harness.Function.TryReadMemory(ControllerHarness.Bar2 + buffer - ControllerHarness.MemoryBufferBase, read, 0));
        Assert.Equal(_harness.Host.Bytes(_page, 4096).ToArray(), read);
    }

    [Fact]
    public void Data_ReachingOutOfTheBuffer_IsRefused()
    {
        ulong last = ControllerHarness.MemoryBufferBase + (1 << 20) - 4096;
        SubmissionEntry write = ControllerHarness.IoEntry(NvmOpcode.Write, 0, 9);
        write.DataPointer = DataPointerKind.Sgl;
        write.Sgl = SglDescriptor.Create(SglType.DataBlock, last, 9 * 512);
        Assert.Equal(NvmeStatus.InvalidUseOfMemoryBuffer, _harness.Run(_io, write).Status);
        write = ControllerHarness.IoEntry(NvmOpcode.Read, 0, 64, _page, last + 4096 - 8);
        Assert.Equal(NvmeStatus.DataTransferError, _harness.Run(_io, write with { Prp2 = last + 4096 }).Status);
    }

    [Fact]
    public void Buffer_WithoutMemorySpaceEnabled_IsNotDecoded()
    {
        ulong buffer = _harness.AllocateMemoryBuffer(1);
        _harness.Write64(ControllerHarness.Bar0 + NvmeRegister.MemoryBufferControl, ControllerHarness.MemoryBufferBase | 1);
        Assert.Equal(NvmeStatus.DataTransferError, _harness.Run(_io, ControllerHarness.IoEntry(NvmOpcode.Write, 0, 1, buffer)).Status);
    }

    [Fact]
    public void DatasetRanges_InTheBuffer_AreCopiedBeforeTheyAreChecked()
    {
        ulong buffer = _harness.AllocateMemoryBuffer(1);
        byte[] range = new byte[16];
        BitConverter.TryWriteBytes(range.AsSpan(4), 8u);
        Post(buffer, range);
        SubmissionEntry trim = ControllerHarness.IoEntry(NvmOpcode.DatasetManagement, 0, 1, buffer) with { CommandDword10 = 0, CommandDword11 = 4 };
        Assert.Equal(NvmeStatus.Success, _harness.Run(_io, trim).Status);
    }

    private void Post(ulong address, byte[] data) =>
        Assert.True(_harness.Function.TryWriteMemory(ControllerHarness.Bar2 + address - ControllerHarness.MemoryBufferBase, data, 0));
}
