using PcieOe.Protocol.Frames;
using Xunit;

namespace PcieOe.Protocol.Tests.Frames;

public sealed class SequenceNumberTests
{
    [Fact]
    public void Distance_EveryPairOfEightBits_IsTheShortestWayRound()
    {
        for (uint left = 0; left < 256; left++)
        {
            for (uint right = 0; right < 256; right++)
            {
                int distance = SequenceNumber.Distance(left, right, bits: 8);
                Assert.InRange(distance, -128, 127);
                Assert.Equal(left, (uint)(right + distance) & 0xFF);
            }
        }
    }

    [Theory]
    [InlineData(0u, 1u)]
    [InlineData(uint.MaxValue, 0u)]
    [InlineData(uint.MaxValue - 5, 1000u)]
    [InlineData(0x7FFF_FFFFu, 0x8000_0000u)]
    [InlineData(0u, 0x7FFF_FFFFu)]
    public void Comparison_AcrossTheWrap_KeepsTheOrder(uint earlier, uint later)
    {
        SequenceNumber first = new(earlier), second = new(later);
        Assert.True(first < second && second > first && first <= second && second >= first && first != second);
        Assert.False(first > second || second < first || first >= second || second <= first);
        Assert.Equal(second, first + (second - first));
        Assert.Equal(first, second + (first - second));
    }

    [Fact]
    public void Increment_LastNumber_WrapsToZero()
    {
        var number = new SequenceNumber(uint.MaxValue);
        number++;
        Assert.Equal(new SequenceNumber(0), number);
    }
}
