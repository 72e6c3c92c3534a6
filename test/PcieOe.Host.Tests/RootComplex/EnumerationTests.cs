using System.Buffers.Binary;
using PcieOe.Host.RootComplex;
using Xunit;

namespace PcieOe.Host.Tests.RootComplex;

public sealed class EnumerationTests
{
    [Fact]
    public void NewSession_FunctionUnknown_SizesAndPlacesBars()
    {
        using RootPortHarness harness = RootPortHarness.Up();
        Assert.Equal(new BarDescription(FakeFunction.Bar0Bytes, true, false), harness.Port.GetBar(0));
        Assert.False(harness.Port.GetBar(1).Exists);
        Assert.Equal(new BarDescription(FakeFunction.Bar2Bytes, true, true), harness.Port.GetBar(2));
        Assert.Equal(new BarDescription(FakeFunction.Bar4Bytes, false, false), harness.Port.GetBar(4));
        ulong[] starts = [harness.Function.BarAddress(0), harness.Function.BarAddress(2), harness.Function.BarAddress(4)];
        ulong[] sizes = [FakeFunction.Bar0Bytes, FakeFunction.Bar2Bytes, FakeFunction.Bar4Bytes];
        for (int i = 0; i < 3; i++)
        {
            Assert.NotEqual(0UL, starts[i]);
            Assert.Equal(0UL, starts[i] % sizes[i]);
            for (int j = 0; j < i; j++)
            {
                Assert.True(starts[i] + sizes[i] <= starts[j] || starts[j] + sizes[j] <= starts[i]);
            }
        }
    }

    [Theory]
    [InlineData(8900, 5)]
    [InlineData(4200, 5)]
    [InlineData(1440, 3)]
    [InlineData(300, 1)]
    public void NewSession_FrameSize_DecidesPayloadSize(int frameBytes, uint expectedCode)
    {
        using RootPortHarness harness = RootPortHarness.Up(frameBytes: frameBytes);
        uint control = harness.Function.Config(FakeFunction.Pcie + 8);
        Assert.Equal(expectedCode, control >> 5 & 7);
        Assert.Equal(5u, control >> 12 & 7);
        Assert.Equal(1u, control >> 8 & 1);
        Assert.Equal(1u, harness.Function.Config(FakeFunction.Pcie + 0x28) >> 12 & 1);
    }

    [Theory]
    [InlineData(false, 1)]
    [InlineData(true, 0)]
    public void NewSession_FunctionMemory_IsHiddenWhereThatIsAskedFor(bool hides, uint expected)
    {
        using RootPortHarness harness = RootPortHarness.Up(new RootComplexOptions { HidesFunctionMemory = hides });
        Assert.Equal(expected, harness.Function.Config(harness.Port.Hints.MemorySwitchOffset) & 1);
    }

    [Fact]
    public void NewSession_MsixTable_NamesEveryVector()
    {
        using RootPortHarness harness = RootPortHarness.Up();
        Assert.Equal(FakeFunction.Vectors, harness.Port.InterruptVectors);
        Assert.Equal(1u, harness.Function.Config(FakeFunction.Msix) >> 31);
        for (int vector = 0; vector < FakeFunction.Vectors; vector++)
        {
            harness.Function.Interrupt(vector);
        }

        harness.Run();
        Assert.Equal(Enumerable.Range(0, FakeFunction.Vectors), harness.Client.Interrupts);
        Assert.Equal(0u, BinaryPrimitives.ReadUInt32LittleEndian(harness.Function.Bar0.AsSpan(FakeFunction.TableOffset + 12)));
    }

    [Fact]
    public void NewSession_FunctionAsksToRetry_IsAskedAgain()
    {
        using RootPortHarness harness = new();
        harness.Port.Attach(harness.Client);
        harness.Function.RetryAnswers = 3;
        harness.Establish();
        Assert.Equal(RemoteFunctionState.Connecting, harness.Port.State);
        harness.Advance(1000);
        Assert.Equal(RemoteFunctionState.Up, harness.Port.State);
        Assert.Equal(3, harness.Port.Counters.EnumerationRetries);
    }

    [Fact]
    public void NewSession_FunctionSilentAtFirst_IsAskedAgainAfterTheTimeout()
    {
        using RootPortHarness harness = new();
        harness.Function.IsSilent = true;
        harness.Establish();
        harness.Advance(900);
        harness.Function.IsSilent = false;
        Assert.Equal(RemoteFunctionState.Connecting, harness.Port.State);
        Assert.Equal(0UL, harness.Port.GetBar(0).Size);
        harness.Advance(400);
        Assert.Equal(RemoteFunctionState.Up, harness.Port.State);
        Assert.Equal(1, harness.Port.Counters.CompletionTimeouts);
    }

    [Fact]
    public void NewSession_WindowOfOneFrame_StillSucceeds()
    {
        using RootPortHarness harness = RootPortHarness.Up(frameBytes: 300, windowFrames: 1);
        Assert.Equal(RemoteFunctionState.Up, harness.Port.State);
    }

    [Fact]
    public void Hints_Enumerated_AreTheFunctions()
    {
        using RootPortHarness harness = RootPortHarness.Up();
        Assert.Equal(0x1000u, Assert.Single(harness.Port.Hints.WriteOnlyRegisters).OffsetBytes);
        Assert.Equal(2, Assert.Single(harness.Port.Hints.MappableMemory).Bar);
    }

    [Theory]
    [InlineData(0x0000_0001u, 0u)]
    [InlineData(0xFFFF_FFF0u, 0u)]
    [InlineData(0xFFFF_F7F0u, 0u)]
    public void Sizing_PatternOfOneBar_IsJudged(uint first, uint second)
    {
        BusAddressMap map = new();
        bool isAssigned = map.TryAssign([first, second, 0, 0, 0, 0]);
        Assert.Equal(first != 0xFFFF_F7F0u, isAssigned);
        Assert.Equal(first == 0xFFFF_FFF0u ? 16UL : 0, isAssigned ? map[0].Size : 0);
    }

    [Fact]
    public void Sizing_LargeBars_GoAbove4GiB()
    {
        BusAddressMap map = new();
        Assert.True(map.TryAssign([0xC, 0xFFFF_FFFC, 0xFFFF_C004, 0xFFFF_FFFF, 0, 0]));
        Assert.Equal(16UL << 30, map[0].Size);
        Assert.True(map.Address(0) >= 1UL << 32);
        Assert.Equal(0UL, map.Address(0) % map[0].Size);
        Assert.True(map.Address(2) < 1UL << 32);
        Assert.False(map.TryAssign([0x0000_0000, 0, 0x8000_0000, 0, 0x8000_0000, 0]));
    }

    [Theory]
    [InlineData(0x34, 0xFFu)]
    [InlineData(0x40, 0x0000_4010u)]
    [InlineData(0x100, 0x1000_0001u)]
    [InlineData(0x100, 0xFFF0_0001u)]
    public void Layout_ListsThatLoopOrPointAway_End(int offset, uint value)
    {
        byte[] config = new byte[4096];
        BinaryPrimitives.WriteUInt32LittleEndian(config.AsSpan(4), 1 << 20);
        BinaryPrimitives.WriteUInt32LittleEndian(config.AsSpan(0x34), 0x40);
        BinaryPrimitives.WriteUInt32LittleEndian(config.AsSpan(0x40), 0x10);
        BinaryPrimitives.WriteUInt32LittleEndian(config.AsSpan(offset), value);
        FunctionLayout layout = FunctionLayout.Parse(config);
        Assert.True(layout.Pcie is 0 or 0x40);
        Assert.Equal(0, layout.MsixVectors);
    }
}
