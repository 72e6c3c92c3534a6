using PcieOe.FlashEndpoint.Tests.Harness;
using PcieOe.Protocol.Nvme;
using Xunit;

namespace PcieOe.FlashEndpoint.Tests.Queues;

public sealed class CoalescingTests : IDisposable
{
    private readonly ControllerHarness _harness;
    private readonly TestQueue _io;

    public CoalescingTests()
    {
        _harness = ControllerHarness.Ready(out _io);

        // Three entries or 500 us.
        Set(FeatureId.InterruptCoalescing, 5 << 8 | 2);
        _harness.Host.Interrupts.Clear();
    }

    public void Dispose() => _harness.Dispose();

    [Fact]
    public void Entries_UpToTheThreshold_ShareOneInterrupt()
    {
        for (int i = 0; i < 7; i++)
        {
            Flush();
        }

        Assert.Equal(2, _harness.Host.Interrupts.Count);
    }

    [Fact]
    public void EntriesBelowTheThreshold_AfterTheTime_AreAnnounced()
    {
        Flush();
        Assert.Empty(_harness.Host.Interrupts);
        Assert.Equal(_harness.Now + 500_000, _harness.Function.NextDeadline);
        _harness.Now += 499_999;
        _harness.Settle();
        Assert.Empty(_harness.Host.Interrupts);
        _harness.Now++;
        _harness.Settle();
        Assert.Single(_harness.Host.Interrupts);
        Assert.Equal(long.MaxValue, _harness.Function.NextDeadline);
    }

    [Fact]
    public void Vector_WithCoalescingDisabled_IsAnnouncedAtOnce()
    {
        Set(FeatureId.InterruptVectorConfiguration, 1 << 16 | 1);
        _harness.Host.Interrupts.Clear();
        Flush();
        Assert.Single(_harness.Host.Interrupts);
    }

    [Fact]
    public void AdminCompletions_WithCoalescingOn_AreAnnouncedAtOnce()
    {
        Set(FeatureId.ErrorRecovery, 1);
        Assert.Single(_harness.Host.Interrupts);
    }

    private void Set(FeatureId feature, uint value) => Assert.Equal(NvmeStatus.Success,
        _harness.RunAdmin(ControllerHarness.AdminEntry(AdminOpcode.SetFeatures) with { CommandDword10 = (uint)feature, CommandDword11 = value }).Status);

    private void Flush() => Assert.Equal(NvmeStatus.Success, _harness.Run(_io, ControllerHarness.IoEntry(NvmOpcode.Flush)).Status);
}
