using System.Buffers.Binary;
using PcieOe.FlashEndpoint.Tests.Harness;
using PcieOe.Protocol.Functions;
using PcieOe.Protocol.Nvme;
using Xunit;

namespace PcieOe.FlashEndpoint.Tests.Pcie;

public sealed class ConfigurationSpaceTests : IDisposable
{
    private readonly ControllerHarness _harness = new(ControllerHarness.MakeOptions(1 << 20));

    public void Dispose() => _harness.Dispose();

    [Fact]
    public void Header_AtStart_NamesAnNvmeController()
    {
        Assert.Equal(0x0E01_F1A5u, Read(0x00));
        Assert.Equal(0x0108_02u, Read(0x08) >> 8);
        Assert.Equal(0u, Read(0x0C) >> 16 & 0xFF);
        Assert.Equal(0x0001_F1A5u, Read(0x2C));
        Assert.Equal(0x0010u, Read(0x04) >> 16);
    }

    [Theory]
    [InlineData(0x10, 0xFFFF_C004u)]
    [InlineData(0x14, 0xFFFF_FFFFu)]
    [InlineData(0x18, 0xFFF0_000Cu)]
    [InlineData(0x1C, 0xFFFF_FFFFu)]
    [InlineData(0x20, 0u)]
    [InlineData(0x24, 0u)]
    [InlineData(0x30, 0u)]
    public void Bar_WrittenWithOnes_TellsItsSize(int offset, uint expected)
    {
        _harness.WriteConfig(offset, uint.MaxValue);
        Assert.Equal(expected, Read(offset));
    }

    [Fact]
    public void Bar2_WithoutMemoryBuffer_IsAbsent()
    {
        using var harness = new ControllerHarness();
        harness.WriteConfig(0x18, uint.MaxValue);
        harness.WriteConfig(0x1C, uint.MaxValue);
        Assert.Equal(0u, harness.Function.ReadConfig(0x18));
        Assert.Equal(0u, harness.Function.ReadConfig(0x1C));
    }

    [Fact]
    public void Capabilities_InTheirList_AreThoseOfAnEndpoint()
    {
        var ids = new List<uint>();
        for (uint offset = Read(0x34) & 0xFF; offset != 0; offset = Read((int)offset) >> 8 & 0xFF)
        {
            ids.Add(Read((int)offset) & 0xFF);
        }

        Assert.Equal([0x01u, 0x11u, 0x10u], ids);
        ids.Clear();
        for (uint offset = 0x100; offset != 0; offset = Read((int)offset) >> 20)
        {
            ids.Add(Read((int)offset) & 0xFFFF);
        }

        Assert.Equal([0x0001u, 0x0003u, 0x000Bu], ids);
    }

    [Fact]
    public void ExpressCapability_OfTheFunction_OffersResetLargePayloadsAndTenBitTags()
    {
        Assert.Equal(5u, Read(0x64) & 7);
        Assert.NotEqual(0u, Read(0x64) & 1 << 28);
        Assert.Equal(3u << 16, Read(0x84) & 3u << 16);
        Assert.Equal(0x0002u, Read(0x60) >> 16 & 0xFF);
    }

    [Fact]
    public void MsixCapability_OfTheFunction_PutsTableAndPendingBitsIntoBar0()
    {
        Assert.Equal(8u, Read(0x50) >> 16 & 0x7FF);
        Assert.Equal(0x2000u, Read(0x54));
        Assert.Equal(0x3000u, Read(0x58));
    }

    [Fact]
    public void Hints_InTheVsec_DescribeDoorbellsBufferAndAnswers()
    {
        byte[] space = new byte[4096];
        for (int i = 0; i < space.Length; i += 4)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(space.AsSpan(i), Read(i));
        }

        Assert.True(BridgeHints.TryFind(space, out BridgeHints? hints));
        Assert.Equal([new WriteOnlyRegisters(0, 0x1000, 18, 4, 4)], hints.WriteOnlyRegisters);
        Assert.Equal([new MappableMemory(2, 0, 1 << 20)], hints.MappableMemory);
        _harness.Enumerate();
        UnreachableAnswer capabilities = hints.UnreachableAnswers[0];
        Assert.Equal(_harness.Read64(ControllerHarness.Bar0), capabilities.Values[0] | (ulong)capabilities.Values[1] << 32);
        Assert.Equal(0x1C, (int)hints.UnreachableAnswers[1].OffsetBytes);
        Assert.True(new ControllerStatus(hints.UnreachableAnswers[1].Values[0]).IsFatal);
    }

    [Fact]
    public void ReadOnlyBits_Written_Stay()
    {
        uint[] before = ReadAll();
        _harness.WriteConfig(0x00, 0);
        _harness.WriteConfig(0x08, 0);
        _harness.WriteConfig(0x34, 0);
        _harness.WriteConfig(0x64, 0);
        _harness.WriteConfig(0x160, 0);
        Assert.Equal(before, ReadAll());
    }

    [Fact]
    public void ByteEnables_OfAWrite_ChooseItsBytes()
    {
        _harness.WriteConfig(0x14, 0x1122_3344);
        _harness.WriteConfig(0x14, 0xAABB_CCDD, byteEnables: 0b0101);
        Assert.Equal(0x11BB_33DDu, Read(0x14));
    }

    [Fact]
    public void Memory_WithDecodingOff_IsNotClaimed()
    {
        _harness.Enumerate();
        byte[] data = new byte[4];
        Assert.True(_harness.Function.TryReadMemory(ControllerHarness.Bar0, data, 0));
        _harness.WriteConfig(0x04, 0x0004);
        Assert.False(_harness.Function.TryReadMemory(ControllerHarness.Bar0, data, 0));
        Assert.False(_harness.Function.TryWriteMemory(ControllerHarness.Bar0 + 0x14, data, 0));
    }

    [Fact]
    public void Memory_OutsideTheBars_IsNotClaimed()
    {
        _harness.Enumerate();
        byte[] data = new byte[8];
        Assert.False(_harness.Function.TryReadMemory(ControllerHarness.Bar0 - 8, data, 0));
        Assert.False(_harness.Function.TryReadMemory(ControllerHarness.Bar0 + 0x3FFC, data, 0));
        Assert.False(_harness.Function.TryReadMemory(ControllerHarness.Bar0 + 0x4000, data, 0));
        Assert.False(_harness.Function.TryReadMemory(ControllerHarness.Bar2 + (1 << 20), data, 0));
        Assert.True(_harness.Function.TryReadMemory(ControllerHarness.Bar2 + (1 << 20) - 8, data, 0));
    }

    [Fact]
    public void Memory_InPowerStateD3_IsNotClaimedUntilD0()
    {
        _harness.Enumerate();
        _harness.Enable();
        byte[] data = new byte[4];
        _harness.WriteConfig(0x44, 3);
        Assert.False(_harness.Function.TryReadMemory(ControllerHarness.Bar0, data, 0));
        _harness.WriteConfig(0x44, 0);
        Assert.True(_harness.Status.IsReady);
    }

    [Fact]
    public void FunctionLevelReset_Initiated_KeepsOnlyPayloadSizeAndStickyBits()
    {
        uint[] atStart = ReadAll();
        _harness.Enumerate();
        _harness.Enable();
        _harness.WriteConfig(0x68, 0x50A0);
        _harness.WriteConfig(0x108, 0x10);
        _harness.WriteConfig(0x68, 0x8000 | 0x50A0);
        Assert.Equal(atStart[0x68 / 4] & ~0xE0u | 0xA0, Read(0x68));
        Assert.Equal(0x10u, Read(0x108));
        Assert.Equal(0u, Read(0x04) & 0xFFFF);
        Assert.Equal(4u, Read(0x10));
        Assert.Equal(0u, Read(0x50) >> 31);
        _harness.Enumerate();
        Assert.Equal(0u, _harness.Read32(ControllerHarness.Bar0 + NvmeRegister.Status));
        Assert.Equal(0u, _harness.Read32(ControllerHarness.Bar0 + NvmeRegister.Configuration));
    }

    [Fact]
    public void ConventionalReset_OfAChangedFunction_RestoresEverything()
    {
        uint[] atStart = ReadAll();
        _harness.Enumerate();
        _harness.WriteConfig(0x68, 0x50A0);
        _harness.WriteConfig(0x108, 0x10);
        _harness.Function.Reset(FunctionResetKind.Conventional, 0);
        Assert.Equal(atStart, ReadAll());
    }

    private uint Read(int offset) => _harness.Function.ReadConfig(offset);

    private uint[] ReadAll() => [.. Enumerable.Range(0, 1024).Select(i => Read(i * 4))];
}
