using PcieOe.FlashEndpoint.Tests.Harness;
using PcieOe.Protocol.Nvme;
using Xunit;

namespace PcieOe.FlashEndpoint.Tests.Io;

public sealed class ReadWriteTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Block_Written_ReadsBack(bool inMemoryBuffer)
    {
        using ControllerHarness harness = ControllerHarness.Ready(out TestQueue io, ControllerHarness.MakeOptions(1 << 20), inMemoryBuffer: inMemoryBuffer);
        ulong page = harness.AllocatePages(2);
        new Random(1).NextBytes(harness.Host.Bytes(page, 512));
        Assert.Equal(NvmeStatus.Success, harness.Run(io, ControllerHarness.IoEntry(NvmOpcode.Write, 7, 1, page)).Status);
        Assert.Equal(NvmeStatus.Success, harness.Run(io, ControllerHarness.IoEntry(NvmOpcode.Read, 7, 1, page + 4096)).Status);
        Assert.True(harness.Host.Bytes(page, 512).SequenceEqual(harness.Host.Bytes(page + 4096, 512)));
        Assert.True(harness.Function.IsIdle);
    }
}
