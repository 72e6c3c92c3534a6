using PcieOe.Protocol.Functions;
using Xunit;

namespace PcieOe.Protocol.Tests.Functions;

public sealed class BridgeHintsTests
{
    private static BridgeHints Sample => new()
    {
        WriteOnlyRegisters = [new WriteOnlyRegisters(0, 0x1000, 258, 4, 4)],
        MappableMemory = [new MappableMemory(2, 0, 0x0100_0000)],
        UnreachableAnswers = [new UnreachableAnswer(0, 0, [0xFF01_03FF, 0x30, 0x0001_0400]), new UnreachableAnswer(0, 0x1C, [2])],
    };

    [Fact]
    public void Hints_Written_AreThoseOfTheGoldenBytes()
    {
        byte[] bytes = new byte[Sample.WrittenLength];
        Array.Fill(bytes, (byte)0xA5);
        Sample.Write(bytes, 0x1C0);
        Assert.Equal(
            "0B00011C" + "4350C104" + "50434F45" +
            "01030000" + "00100000" + "02010404" +
            "02030200" + "00000000" + "00000001" +
            "03050000" + "00000000" + "FF0301FF" + "30000000" + "00040100" +
            "03030000" + "1C000000" + "02000000" +
            "04020200" + "01000000",
            Convert.ToHexString(bytes));
    }

    [Fact]
    public void Hints_InConfigurationSpace_AreFoundBehindOtherCapabilities()
    {
        byte[] space = new byte[4096];
        BitConverter.TryWriteBytes(space.AsSpan(0x100), 0x0001u | 1 << 16 | 0x150u << 20);
        BitConverter.TryWriteBytes(space.AsSpan(0x150), 0x000Bu | 1 << 16 | 0x180u << 20);
        BitConverter.TryWriteBytes(space.AsSpan(0x154), 0x0010_1234u);
        Sample.Write(space.AsSpan(0x180), 0);
        Assert.True(BridgeHints.TryFind(space, out BridgeHints? hints));
        Assert.Equal(Sample.WriteOnlyRegisters, hints.WriteOnlyRegisters);
        Assert.Equal(Sample.MappableMemory, hints.MappableMemory);
        Assert.Equal(0x180 + Sample.WrittenLength - 4, hints.MemorySwitchOffset);
        Assert.Equal(2, hints.UnreachableAnswers.Count);
        Assert.Equal(Sample.UnreachableAnswers[0].Values, hints.UnreachableAnswers[0].Values);
    }

    [Fact]
    public void Hints_WithoutMappableMemory_HaveNoSwitch()
    {
        byte[] space = new byte[4096];
        new BridgeHints { WriteOnlyRegisters = Sample.WriteOnlyRegisters }.Write(space.AsSpan(0x100), 0);
        Assert.True(BridgeHints.TryFind(space, out BridgeHints? hints));
        Assert.Equal(0, hints.MemorySwitchOffset);
    }

    [Fact]
    public void CapabilityList_ThatLoops_EndsWithoutAResult()
    {
        byte[] space = new byte[4096];
        BitConverter.TryWriteBytes(space.AsSpan(0x100), 0x0001u | 1 << 16 | 0x100u << 20);
        Assert.False(BridgeHints.TryFind(space, out _));
    }

    [Fact]
    public void Hints_OfUnknownKind_AreSkipped()
    {
        byte[] bytes = new byte[Sample.WrittenLength];
        Sample.Write(bytes, 0);
        bytes[12] = 0x77;
        Assert.True(BridgeHints.TryParse(bytes, 0x100, out BridgeHints? hints));
        Assert.Empty(hints.WriteOnlyRegisters);
        Assert.Single(hints.MappableMemory);
    }

    [Theory]
    [InlineData(4)]
    [InlineData(8)]
    [InlineData(13)]
    [InlineData(14)]
    [InlineData(23)]
    public void Hints_WithOneWrongByte_AreRefused(int position)
    {
        byte[] bytes = new byte[Sample.WrittenLength];
        Sample.Write(bytes, 0);
        bytes[position] = position == 13 ? (byte)0 : position == 14 ? (byte)6 : (byte)0x33;
        Assert.False(BridgeHints.TryParse(bytes, 0x100, out _));
    }

    [Fact]
    public void Hints_OfRandomBytes_NeverThrow()
    {
        var random = new Random(7);
        byte[] bytes = new byte[Sample.WrittenLength];
        int parsed = 0;
        for (int i = 0; i < 20_000; i++)
        {
            Sample.Write(bytes, 0);
            for (int k = 0; k < 1 + i % 3; k++)
            {
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            }

            parsed += BridgeHints.TryParse(bytes.AsSpan(0, random.Next(bytes.Length + 1)), 0x100, out _) ? 1 : 0;
        }

        Assert.InRange(parsed, 1, 19_999);
    }
}
