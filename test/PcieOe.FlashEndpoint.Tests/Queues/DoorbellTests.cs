using PcieOe.FlashEndpoint.Tests.Harness;
using PcieOe.Protocol.Nvme;
using Xunit;

namespace PcieOe.FlashEndpoint.Tests.Queues;

public sealed class DoorbellTests : IDisposable
{
    private const ulong Doorbells = ControllerHarness.Bar0 + 0x1000;
    private readonly ControllerHarness _harness;
    private readonly TestQueue _io;

    public DoorbellTests()
    {
        _harness = ControllerHarness.Ready(out _io);
        _harness.Submit(_harness.Admin, ControllerHarness.AdminEntry(AdminOpcode.AsynchronousEventRequest));
        _harness.Settle();
    }

    public void Dispose() => _harness.Dispose();

    [Theory]
    [InlineData(5 * 8)]
    [InlineData(5 * 8 + 4)]
    [InlineData(9 * 8)]
    [InlineData(0xFFC)]
    public void Doorbell_OfAQueueThatIsNotThere_IsReported(int offset)
    {
        _harness.Write32(Doorbells + (ulong)offset, 1);
        Assert.Equal(0x0001_0000u, _harness.Wait(_harness.Admin).Result);
    }

    [Theory]
    [InlineData(8, 64u)]
    [InlineData(8, 0xFFFFu)]
    [InlineData(12, 1u)]
    [InlineData(12, 64u)]
    [InlineData(0, 32u)]
    public void Doorbell_WithAValueThatCannotBe_IsReportedAndIgnored(int offset, uint value)
    {
        _harness.Write32(Doorbells + (ulong)offset, value);
        Assert.Equal(0x0001_0100u, _harness.Wait(_harness.Admin).Result);
        Assert.Equal(NvmeStatus.Success, _harness.Run(_io, ControllerHarness.IoEntry(NvmOpcode.Flush)).Status);
    }

    [Fact]
    public void Doorbell_WrittenAgainWithTheSameValue_DoesNothing()
    {
        Assert.Equal(NvmeStatus.Success, _harness.Run(_io, ControllerHarness.IoEntry(NvmOpcode.Flush)).Status);
        int reads = _harness.Host.ReadLog.Count;
        _harness.Ring(_io);
        _harness.Write32(Doorbells + 12, (uint)_io.Head);
        _harness.Settle();
        Assert.Equal(reads, _harness.Host.ReadLog.Count);
        Assert.False(_harness.TryTake(_harness.Admin, out _));
    }

    [Fact]
    public void Doorbells_WhileDisabled_AreIgnored()
    {
        _harness.Write32(ControllerHarness.Bar0 + NvmeRegister.Configuration, 0);
        int reads = _harness.Host.ReadLog.Count;
        for (ulong offset = 0; offset < 0x1000; offset += 4)
        {
            _harness.Write32(Doorbells + offset, 3);
        }

        _harness.Settle();
        Assert.Equal(reads, _harness.Host.ReadLog.Count);
        Assert.Equal(0ul, _harness.Read64(Doorbells));
    }

    [Fact]
    public void TwoDoorbells_WrittenAtOnce_BothRing()
    {
        _harness.Put(_io, ControllerHarness.IoEntry(NvmOpcode.Flush));
        _harness.Settle();
        _harness.Write64(Doorbells + 8, (uint)_io.Tail);
        Assert.Equal(NvmeStatus.Success, _harness.Wait(_io).Status);
    }
}
