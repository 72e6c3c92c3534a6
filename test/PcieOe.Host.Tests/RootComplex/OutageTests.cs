using PcieOe.Host.RootComplex;
using Xunit;

namespace PcieOe.Host.Tests.RootComplex;

public sealed class OutageTests
{
    [Fact]
    public void Outage_Resumed_ReadsAndWritesGoOnWhereTheyWere()
    {
        using RootPortHarness harness = RootPortHarness.Up();
        harness.CutCable();
        Assert.Equal(RemoteFunctionState.Outage, harness.Port.State);
        Assert.True(harness.Port.TryWriteRegion(0, 0x10, [1, 2, 3, 4], harness.Now));
        Assert.True(harness.Port.TryReadRegion(0, 0x10, 4, 5, harness.Now));
        harness.Advance(900);
        Assert.Empty(harness.Client.Reads);
        harness.Establish(isResumed: true);
        Assert.Equal(RemoteFunctionState.Up, harness.Port.State);
        (_, RegionReadStatus status, byte[] data) = Assert.Single(harness.Client.Reads);
        Assert.Equal(RegionReadStatus.Success, status);
        Assert.Equal([1, 2, 3, 4], data);
        Assert.Equal(0, harness.Client.Replacements);
    }

    [Fact]
    public void Outage_FirstReadIsHeldASecond_LaterOnesFiftyMilliseconds()
    {
        using RootPortHarness harness = RootPortHarness.Up();
        harness.CutCable();
        harness.Port.TryReadRegion(0, FakeFunction.StatusOffset, 4, 1, harness.Now);
        harness.Advance(999);
        Assert.Empty(harness.Client.Reads);
        harness.Advance(1);
        Assert.Equal([2, 0, 0, 0], Assert.Single(harness.Client.Reads).Data);
        harness.Port.TryReadRegion(0, FakeFunction.StatusOffset - 2, 8, 2, harness.Now);
        harness.Advance(49);
        Assert.Single(harness.Client.Reads);
        harness.Advance(1);
        Assert.Equal([0, 0, 2, 0, 0, 0, 0, 0], harness.Client.Reads[1].Data);
        Assert.All(harness.Client.Reads, read => Assert.Equal(RegionReadStatus.Substituted, read.Status));

        harness.Establish(isResumed: true);
        harness.CutCable();
        harness.Port.TryReadRegion(0, FakeFunction.StatusOffset, 4, 3, harness.Now);
        harness.Advance(999);
        Assert.Equal(2, harness.Client.Reads.Count);
        Assert.Equal(2, harness.Port.Counters.CompletionsLate);
    }

    [Fact]
    public void Outage_ConfigReads_ComeFromTheShadow()
    {
        using RootPortHarness harness = RootPortHarness.Up();
        uint command = harness.Port.ReadConfig(4);
        harness.CutCable();
        Assert.Equal(command, harness.Port.ReadConfig(4));
        Assert.Equal(0x1001_1B36u, harness.Port.ReadConfig(0));
    }

    [Fact]
    public void NewSession_StateLost_ReplaysTheShadowAndReissuesReads()
    {
        using RootPortHarness harness = RootPortHarness.Up();
        harness.Port.TryWriteConfig(FakeFunction.Aer + 0x14, 0x1234, 0xF, harness.Now);
        harness.Run();
        uint control = harness.Function.Config(FakeFunction.Pcie + 8);
        ulong bar = harness.Function.BarAddress(0);
        harness.CutCable();
        Assert.True(harness.Port.TryReadRegion(0, 0x10, 4, 5, harness.Now));
        Assert.True(harness.Port.TryWriteRegion(0, 0x10, [9, 9, 9, 9], harness.Now));
        harness.Advance(300);
        harness.Replace();
        Assert.Equal(RemoteFunctionState.Up, harness.Port.State);
        Assert.Equal(1, harness.Client.Replacements);
        Assert.Equal([RemoteFunctionState.Up, RemoteFunctionState.Outage, RemoteFunctionState.Up], harness.Client.States);
        Assert.Equal(control, harness.Function.Config(FakeFunction.Pcie + 8));
        Assert.Equal(bar, harness.Function.BarAddress(0));
        Assert.Equal(6u, harness.Function.Config(4) & 7);
        Assert.Equal(0x1234u, harness.Function.Config(FakeFunction.Aer + 0x14));

        // The write was for a function that is no more; the read sees the new one.
        (_, RegionReadStatus status, byte[] data) = Assert.Single(harness.Client.Reads);
        Assert.Equal(RegionReadStatus.Success, status);
        Assert.Equal(new byte[4], data);
        harness.Function.Interrupt(2);
        harness.Run();
        Assert.Equal([2], harness.Client.Interrupts);
    }

    [Fact]
    public void NewSession_AnotherFunction_IsGoneForItsClient()
    {
        using RootPortHarness harness = RootPortHarness.Up();
        harness.CutCable();
        harness.Function.DeviceId = 0x2002;
        harness.Replace();
        Assert.Equal(RemoteFunctionState.Gone, harness.Port.State);
        Assert.Equal(uint.MaxValue, harness.Port.ReadConfig(0));
        Assert.True(harness.Port.TryReadRegion(0, 0x1C, 4, 1, harness.Now));
        harness.Run();
        (_, RegionReadStatus status, byte[] data) = Assert.Single(harness.Client.Reads);
        Assert.Equal(RegionReadStatus.Failed, status);
        Assert.Equal([255, 255, 255, 255], data);
    }

    [Fact]
    public void NewSession_AnotherFunctionWithoutClient_IsEnumeratedAnew()
    {
        using RootPortHarness harness = new();
        harness.Establish();
        harness.Function.DeviceId = 0x2002;
        harness.Replace();
        Assert.Equal(RemoteFunctionState.Up, harness.Port.State);
        Assert.Equal(0x2002u, harness.Port.ReadConfig(0) >> 16);
    }

    [Fact]
    public void SessionLostDuringReset_NewSession_EndsTheReset()
    {
        using RootPortHarness harness = RootPortHarness.Up();
        harness.CutCable();
        harness.Port.StartReset(harness.Now);
        harness.Advance(500);
        harness.Port.OnSessionLost(harness.Now);
        harness.Replace();
        Assert.Equal([true], harness.Client.Resets);
        Assert.Equal(RemoteFunctionState.Up, harness.Port.State);
        Assert.Equal(0u, harness.Function.Config(4) & 4);
    }

    [Fact]
    public void OutageDuringEnumeration_Resumed_GoesOn()
    {
        using RootPortHarness harness = new(windowFrames: 1, frameBytes: 300);
        harness.IsCableIn = false;
        harness.Port.OnSessionEstablished(harness.ToFunction, isResumed: false, harness.Now);
        harness.Run();
        harness.Port.OnSessionOutage(harness.Now);
        harness.Advance(60_000);
        Assert.Equal(RemoteFunctionState.Connecting, harness.Port.State);
        harness.Establish(isResumed: true);
        Assert.Equal(RemoteFunctionState.Up, harness.Port.State);
        Assert.Equal(0, harness.Port.Counters.EnumerationRetries);
    }

    [Fact]
    public void Removed_PendingReads_FailAtOnce()
    {
        using RootPortHarness harness = RootPortHarness.Up();
        harness.CutCable();
        harness.Port.TryReadRegion(0, 0x1C, 4, 1, harness.Now);
        harness.Port.OnFunctionRemoved(harness.Now);
        Assert.Equal(RegionReadStatus.Failed, Assert.Single(harness.Client.Reads).Status);
        Assert.Equal(RemoteFunctionState.Gone, harness.Client.States[^1]);
        Assert.True(harness.Port.TryWriteRegion(0, 0x1000, new byte[4], harness.Now));
    }
}
