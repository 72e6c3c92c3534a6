using PcieOe.Protocol.Frames;
using PcieOe.Target.Functions;
using Xunit;

namespace PcieOe.Target.Tests.Functions;

/// <summary>What of a function's CRC-32C registers reaches the lane. The lane holds each against the data it came with.</summary>
public sealed class DmaWriterTests
{
    private readonly ArrayLane _lane = new() { ChecksContent = true };
    private readonly DmaWriter _writer = new(new FunctionBridgeCounters()) { MaximumPayloadBytes = 4096 };

    public DmaWriterTests() => _writer.Open(_lane);

    [Theory]
    [InlineData(0x10_0000, 4096, true)]
    [InlineData(0x1_0000_0000, 512, true)]
    [InlineData(0x10_0004, 64, true)]
    [InlineData(0x10_0001, 4, false)]
    [InlineData(0x10_0000, 6, false)]
    public void SetRegister_OfWholeDoublewords_GoesOn_OfOthersNot(ulong address, int length, bool goesOn)
    {
        Write(address, length);
        _writer.Flush();
        Assert.Equal(goesOn ? 1 : 0, _lane.CommittedWithRegister);
    }

    [Fact]
    public void SetRegister_HoldsForItsReservationAlone()
    {
        Write(0x1000, 256);
        _writer.ReserveWhole(0x2000, 16).Clear();
        _writer.Flush();
        _writer.Flush();
        Assert.Equal(1, _lane.CommittedWithRegister);
    }

    [Fact]
    public void SetRegister_ThenAnotherLane_IsForgotten()
    {
        Write(0x1000, 256);
        _writer.Open(new ArrayLane { ChecksContent = true });
        _writer.ReserveWhole(0x2000, 16).Clear();
        _writer.Flush();
    }

    [Fact]
    public void WantsRegister_OfALaneThatSeals_IsFalse()
    {
        Assert.True(_writer.WantsRegister);
        _writer.Open(new ArrayLane());
        Assert.False(_writer.WantsRegister);
        _writer.Open(null);
        Assert.False(_writer.WantsRegister);
    }

    private void Write(ulong address, int length)
    {
        Span<byte> data = _writer.Reserve(address, length);
        Assert.Equal(length, data.Length);
        new Random(length).NextBytes(data);
        _writer.SetRegister(Crc32C.Append(0, data));
    }
}
