using PcieOe.FlashEndpoint.Tests.Harness;
using PcieOe.Protocol.Nvme;
using Xunit;

namespace PcieOe.FlashEndpoint.Tests.Pcie;

public sealed class MsixTests : IDisposable
{
    private const ulong Table = ControllerHarness.Bar0 + 0x2000;
    private const ulong Pending = ControllerHarness.Bar0 + 0x3000;
    private readonly ControllerHarness _harness;
    private readonly TestQueue _io;

    public MsixTests()
    {
        _harness = ControllerHarness.Ready(out _io);
        _harness.Host.Interrupts.Clear();
    }

    public void Dispose() => _harness.Dispose();

    [Fact]
    public void Completion_OnAnUnmaskedVector_IsAnnouncedOnce()
    {
        Flush();
        Assert.Equal([(FakeHost.MessageBase + 16, 0x101u)], _harness.Host.Interrupts);
    }

    [Fact]
    public void MaskedVector_WithACompletion_IsPendingUntilUnmasked()
    {
        _harness.Write32(Table + 16 + 12, 1);
        Flush();
        Flush();
        Assert.Empty(_harness.Host.Interrupts);
        Assert.Equal(0b10u, _harness.Read32(Pending));
        _harness.Write32(Table + 16 + 12, 0);
        _harness.Settle();
        Assert.Single(_harness.Host.Interrupts);
        Assert.Equal(0u, _harness.Read32(Pending));
        _harness.Write32(Table + 16 + 12, 1);
        _harness.Write32(Table + 16 + 12, 0);
        _harness.Settle();
        Assert.Single(_harness.Host.Interrupts);
    }

    [Fact]
    public void MaskedFunction_WithACompletion_IsPendingUntilUnmasked()
    {
        _harness.WriteConfig(0x50, 0xC000_0000);
        Flush();
        Assert.Empty(_harness.Host.Interrupts);
        Assert.Equal(0b10u, _harness.Read32(Pending));
        _harness.WriteConfig(0x50, 0x8000_0000);
        _harness.Settle();
        Assert.Single(_harness.Host.Interrupts);
    }

    [Fact]
    public void VectorMaskedAgain_WhileItsMessageWaits_StaysPending()
    {
        _harness.Write32(Table + 16 + 12, 1);
        Flush();
        _harness.Write32(Table + 16 + 12, 0);
        _harness.Write32(Table + 16 + 12, 1);
        _harness.Settle();
        Assert.Empty(_harness.Host.Interrupts);
        Assert.Equal(0b10u, _harness.Read32(Pending));
        _harness.Write32(Table + 16 + 12, 0);
        _harness.Settle();
        Assert.Single(_harness.Host.Interrupts);
    }

    [Fact]
    public void DisabledMsix_WithACompletion_SaysNothing()
    {
        _harness.WriteConfig(0x50, 0);
        Flush();
        Assert.Empty(_harness.Host.Interrupts);
        Assert.Equal(0u, _harness.Read32(Pending));
    }

    [Fact]
    public void QueueWithoutInterrupts_WithACompletion_SaysNothing()
    {
        TestQueue quiet = _harness.CreateQueuePair(2, 16, interrupts: false);
        _harness.Host.Interrupts.Clear();
        Assert.Equal(NvmeStatus.Success, _harness.Run(quiet, ControllerHarness.IoEntry(NvmOpcode.Flush)).Status);
        Assert.Empty(_harness.Host.Interrupts);
    }

    [Fact]
    public void Table_ReadAndWrittenInAnyWidth_HoldsItsEntries()
    {
        _harness.Write64(Table + 32, 0x1122_3344_FEE0_0F00);
        Assert.Equal(0xFEE0_0F00u, _harness.Read32(Table + 32));
        Assert.Equal(0x1122_3344u, _harness.Read32(Table + 36));
        _harness.Function.TryWriteMemory(Table + 40, [0xAB], 0);
        Assert.Equal(0x1ABu, _harness.Read32(Table + 40));
        _harness.Write32(Table + 44, 0xFFFF_FFFF);
        Assert.Equal(1u, _harness.Read32(Table + 44));
    }

    private void Flush() => Assert.Equal(NvmeStatus.Success, _harness.Run(_io, ControllerHarness.IoEntry(NvmOpcode.Flush)).Status);
}
