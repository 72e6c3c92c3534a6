using PcieOe.Host.RootComplex;
using Xunit;

namespace PcieOe.Host.Tests.RootComplex;

public sealed class ConfigShadowTests
{
    [Fact]
    public void Read_Enumerated_ShowsTheFunctionAsAfterReset()
    {
        using RootPortHarness harness = RootPortHarness.Up();
        Assert.Equal(harness.Function.Config(0), harness.Port.ReadConfig(0));
        Assert.Equal(0x0108_0201u, harness.Port.ReadConfig(8));
        Assert.Equal(4u, harness.Port.ReadConfig(0x10));
        Assert.Equal(0x2810u, harness.Port.ReadConfig(FakeFunction.Pcie + 8));
        Assert.Equal(0u, harness.Port.ReadConfig(FakeFunction.Msix) >> 31);
    }

    [Fact]
    public void Write_AllOnesToBars_ReadsSizesAndLeavesTheFunctionAlone()
    {
        using RootPortHarness harness = RootPortHarness.Up();
        for (int bar = 0; bar < 6; bar++)
        {
            Assert.True(harness.Port.TryWriteConfig(0x10 + bar * 4, uint.MaxValue, 0xF, harness.Now));
        }

        harness.Run();
        uint[] read = [.. Enumerable.Range(0, 6).Select(bar => harness.Port.ReadConfig(0x10 + bar * 4))];
        Assert.Equal([0xFFFF_C004, 0xFFFF_FFFF, 0xFFF0_000C, 0xFFFF_FFFF, 0xFFFF_F000, 0u], read);
        Assert.Empty(harness.Function.ConfigWrites);
    }

    [Fact]
    public void Write_BarByBytes_MergesThem()
    {
        using RootPortHarness harness = RootPortHarness.Up();
        harness.Port.TryWriteConfig(0x10, 0x00FE_0000, 0b0100, harness.Now);
        harness.Port.TryWriteConfig(0x10, 0xC000_0000, 0b1000, harness.Now);
        Assert.Equal(0xC0FE_0004u, harness.Port.ReadConfig(0x10));
    }

    [Fact]
    public void Write_DeviceControlAndMsixEnable_StayInTheShadow()
    {
        using RootPortHarness harness = RootPortHarness.Up();
        uint before = harness.Function.Config(FakeFunction.Pcie + 8);
        harness.Port.TryWriteConfig(FakeFunction.Pcie + 8, 0x0000_0000, 0b0011, harness.Now);
        harness.Port.TryWriteConfig(FakeFunction.Msix, 0xC000_0000, 0b1100, harness.Now);
        harness.Run();
        Assert.Equal(0u, harness.Port.ReadConfig(FakeFunction.Pcie + 8));
        Assert.Equal(3u, harness.Port.ReadConfig(FakeFunction.Msix) >> 30);
        Assert.Equal(before, harness.Function.Config(FakeFunction.Pcie + 8));
        Assert.Equal(2u, harness.Function.Config(FakeFunction.Msix) >> 30);
        Assert.Empty(harness.Function.ConfigWrites);
    }

    [Fact]
    public void Write_CommandRegister_PassesOnWithMemoryDecodingKept()
    {
        using RootPortHarness harness = RootPortHarness.Up();
        harness.Port.TryWriteConfig(4, 0x0400, 0b0011, harness.Now);
        harness.Run();
        Assert.Equal(0x0400u, harness.Port.ReadConfig(4) & 0xFFFF);
        Assert.Equal(0x0402u, harness.Function.Config(4) & 0xFFFF);
    }

    [Fact]
    public void Write_RegisterOfTheFunctionsOwn_ShowsWhatTheFunctionMadeOfIt()
    {
        using RootPortHarness harness = RootPortHarness.Up();
        harness.Port.TryWriteConfig(FakeFunction.VendorOwn, 0xFFFF_FFFF, 0b0011, harness.Now);
        harness.Run();
        Assert.Equal(0x0000_0F0Fu, harness.Port.ReadConfig(FakeFunction.VendorOwn));
        Assert.Equal(["0a0=ffffffff/3"], harness.Function.ConfigWrites);
    }

    [Fact]
    public void Write_PowerState_PassesOn()
    {
        using RootPortHarness harness = RootPortHarness.Up();
        harness.Port.TryWriteConfig(FakeFunction.PowerManagement + 4, 3, 0b0011, harness.Now);
        harness.Run();
        Assert.Equal(3u, harness.Port.ReadConfig(FakeFunction.PowerManagement + 4));
        Assert.Equal(3u, harness.Function.Config(FakeFunction.PowerManagement + 4) & 3);
    }

    [Fact]
    public void Write_ReadOnlyRegisters_ChangesNothing()
    {
        using RootPortHarness harness = RootPortHarness.Up();
        foreach (int offset in new[] { 0x00, 0x08, 0x28, 0x2C, 0x30, 0x34, FakeFunction.Pcie + 4, FakeFunction.Msix + 4 })
        {
            uint before = harness.Port.ReadConfig(offset);
            Assert.True(harness.Port.TryWriteConfig(offset, ~before, 0xF, harness.Now));
            Assert.Equal(before, harness.Port.ReadConfig(offset));
        }
    }

    [Fact]
    public void Write_InitiateFunctionLevelReset_ResetsAndSetsUpAgain()
    {
        using RootPortHarness harness = RootPortHarness.Up();
        harness.Port.TryWriteConfig(0x10, 0xC000_0000, 0xF, harness.Now);
        harness.Port.TryWriteConfig(FakeFunction.Pcie + 8, 0x8000, 0b0011, harness.Now);
        Assert.Equal(RemoteFunctionState.Outage, harness.Port.State);
        harness.Run();
        Assert.Equal(RemoteFunctionState.Up, harness.Port.State);
        Assert.Equal(1, harness.Function.Resets);
        Assert.Equal(4u, harness.Port.ReadConfig(0x10));
        Assert.Equal(0u, harness.Port.ReadConfig(4) & 7);
        Assert.NotEqual(0UL, harness.Function.BarAddress(0));
        Assert.Equal(2u, harness.Function.Config(4) & 7);
        Assert.Empty(harness.Client.Resets);
    }

    [Fact]
    public void StartReset_FunctionAnswers_IsReported()
    {
        using RootPortHarness harness = RootPortHarness.Up();
        harness.Port.StartReset(harness.Now);
        harness.Run();
        Assert.Equal([true], harness.Client.Resets);
        Assert.Equal(1, harness.Function.Resets);
    }

    [Fact]
    public void StartReset_FunctionSilent_IsReportedAsFailedAndGoesOn()
    {
        using RootPortHarness harness = RootPortHarness.Up();
        harness.Function.IsSilent = true;
        harness.Port.StartReset(harness.Now);
        harness.Advance(3500);
        Assert.Equal([false], harness.Client.Resets);
        harness.Function.IsSilent = false;
        harness.Advance(2000);
        Assert.Equal(RemoteFunctionState.Up, harness.Port.State);
        Assert.Equal([false], harness.Client.Resets);
    }

    [Fact]
    public void Detach_ClientAttachesAgain_FindsAFreshFunction()
    {
        using RootPortHarness harness = RootPortHarness.Up();
        Assert.Equal(DmaMapResult.Success, harness.Port.Map(0x1000, 0x1000, 0x1000, DmaAccess.ReadWrite));
        harness.Port.Detach(harness.Now);
        Assert.Equal(0, harness.Port.MappedRanges);
        harness.Run();
        Assert.Equal(1, harness.Function.Resets);
        RecordingClient second = new();
        harness.Port.Attach(second);
        Assert.Equal(RemoteFunctionState.Up, harness.Port.State);
        Assert.Equal(0u, harness.Port.ReadConfig(4) & 4);
        Assert.Throws<InvalidOperationException>(() => harness.Port.Attach(second));
    }
}
