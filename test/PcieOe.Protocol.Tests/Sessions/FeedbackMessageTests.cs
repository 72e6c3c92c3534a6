using PcieOe.Protocol.Sessions;
using Xunit;

namespace PcieOe.Protocol.Tests.Sessions;

public sealed class FeedbackMessageTests
{
    [Fact]
    public void Written_IsAsSpecified_AndReadBack()
    {
        byte[] content = new byte[FeedbackMessage.Length];
        Array.Fill(content, (byte)0xA5);
        FeedbackMessage message = new(375_000_000, 999_000_001, 20_000);
        message.Write(content);
        Assert.Equal("00000000" + "00004e20" + "0000000016" + "5a0bc0" + "000000003b8b87c1", Convert.ToHexStringLower(content));
        Assert.True(FeedbackMessage.TryParse(content, out FeedbackMessage read));
        Assert.Equal(message, read);
    }

    [Theory]
    [InlineData("00000000 00004e20 00000000165a0bc0 000000003b8b87")]
    [InlineData("00000000 00004e20 00000000165a0bc0 000000003b8b87c100")]
    [InlineData("01000000 00004e20 00000000165a0bc0 000000003b8b87c1")]
    [InlineData("00000000 00004e20 0000000000000000 000000003b8b87c1")]
    [InlineData("00000000 00004e20 80000000165a0bc0 000000003b8b87c1")]
    [InlineData("00000000 00004e20 00000000165a0bc0 800000003b8b87c1")]
    public void ImpossibleContent_IsNoMessage(string content) =>
        Assert.False(FeedbackMessage.TryParse(Convert.FromHexString(content.Replace(" ", "", StringComparison.Ordinal)), out _));

    [Fact]
    public void HoldBeyondTheLongest_IsTheLongest()
    {
        Assert.True(FeedbackMessage.TryParse(Convert.FromHexString("00000000ffffffff00000000165a0bc0000000003b8b87c1"), out FeedbackMessage message));
        Assert.Equal(FeedbackMessage.MaximumHoldMicroseconds, message.HoldMicroseconds);
    }
}
