using PcieOe.Protocol.Frames;
using PcieOe.Protocol.Link;
using PcieOe.Protocol.Tests.Link;
using Xunit;

namespace PcieOe.Protocol.Tests.Frames;

/// <summary>Frames as docs/wire-format.md states them, byte for byte. They do not change within a version of the protocol.</summary>
public sealed class GoldenFrameTests
{
    private const string DataFrame =
        "16020010" // version 1, data; acknowledgement requested; 16 bytes follow
        + "0a0b0c0d" // session
        + "0000000100000002" // frame number
        + "fffffffe" // sequence number
        + "00000007" // next expected
        + "8000000000000005" // received: 8, 10, and 71
        + "00000206" // permitted
        + "deadbeef" // echoed frame number
        + "0000c350" // received 50 us ago
        + "075bcd15" // sent at
        + "400000010000000f1000000055aa55aa" // a memory write of one doubleword ...
        + "";

    [Fact]
    public void DataHeader_WrittenAndParsed_IsTheGoldenOne()
    {
        var header = new FrameHeader
        {
            Type = FrameType.Data,
            Flags = FrameFlags.AckRequested,
            BodyLength = 16,
            SessionId = 0x0A0B_0C0D,
            FrameNumber = 0x1_0000_0002,
            Sequence = new SequenceNumber(0xFFFF_FFFE),
            NextExpected = new SequenceNumber(7),
            Received = 0x8000_0000_0000_0005,
            Permitted = new SequenceNumber(0x206),
            EchoedFrameNumber = 0xDEAD_BEEF,
            EchoDelayNanoseconds = 50_000,
            SentAtNanoseconds = 123_456_789,
        };
        byte[] bytes = new byte[FrameHeader.Length];
        Array.Fill(bytes, (byte)0xA5);
        header.Write(bytes);
        Assert.Equal(DataFrame[..(2 * FrameHeader.Length)], Convert.ToHexStringLower(bytes));
        Assert.True(FrameView.TryParse(Convert.FromHexString(DataFrame), out FrameView view));
        Assert.Equal(header, view.Header);
        Assert.Equal(16, view.Body.Length);
    }

    [Fact]
    public void FirstDataFrame_InTheClear_IsTheGoldenOne()
    {
        using var pair = new LinkPair { Now = 0x1_0000_0001 };
        Convert.FromHexString("400000010000000f1000000055aa55aa").CopyTo(pair.A.Engine.Reserve(16));
        pair.A.Engine.Commit(16);
        byte[] frame = Assert.Single(pair.A.Collect(pair.Now));
        string covered = "16000014" + "0b0b0b0b" + "0000000000000001" + "00000000" + "00000000" + "0000000000000000" + "000001d3"
            + "00000000" + "ffffffff" + "00000001" + "400000010000000f1000000055aa55aa";
        Assert.Equal(covered + "f1fac50e", Convert.ToHexStringLower(frame));
        Assert.Equal(Crc32C.Compute(Convert.FromHexString(covered)), Convert.ToUInt32(Convert.ToHexString(frame.AsSpan(^4)), 16));
    }

    [Fact]
    public void AckFrame_WithAGapBeyondTheHeader_ContinuesTheBitmap()
    {
        using var pair = new LinkPair(new LinkOptions { WindowFrames = 128, MaximumTransmissionUnit = 1500 });
        List<byte[]> frames = [];
        while (frames.Count < 80)
        {
            if (pair.A.TryPut(64))
            {
                frames.AddRange(pair.A.Collect(pair.Now));
            }
            else
            {
                frames.ForEach(frame => pair.B.Engine.OnFrame(frame, pair.Now));
                pair.Exchange();
                frames.Clear();
            }
        }

        // All but the first of the last 80 frames: bits 0 to 78.
        frames.Skip(1).ToList().ForEach(frame => pair.B.Engine.OnFrame(frame, pair.Now));
        byte[] ack = Assert.Single(pair.B.Collect(pair.Now));
        Assert.True(FrameView.TryParse(ack, out FrameView view));
        Assert.Equal(FrameType.Ack, view.Header.Type);
        Assert.Equal(ulong.MaxValue, view.Header.Received);
        Assert.Equal("0000000000007fff", Convert.ToHexStringLower(view.Body[..^FrameCheck.Length]));
    }

    [Theory]
    [InlineData(FrameType.Discover, 1)]
    [InlineData(FrameType.Offer, 2)]
    [InlineData(FrameType.Hello, 3)]
    [InlineData(FrameType.Challenge, 4)]
    [InlineData(FrameType.Accept, 5)]
    [InlineData(FrameType.Data, 6)]
    [InlineData(FrameType.Ack, 7)]
    [InlineData(FrameType.Time, 8)]
    [InlineData(FrameType.Feedback, 9)]
    [InlineData(FrameType.Close, 10)]
    public void FrameType_Codes_AreFrozen(FrameType type, int code) => Assert.Equal(code, (int)type);

    [Fact]
    public void FrameFlags_Bits_AreFrozen()
    {
        Assert.Equal(1, (int)FrameFlags.KeyPhase);
        Assert.Equal(2, (int)FrameFlags.AckRequested);
    }

    [Fact]
    public void TryParse_TruncatedAnywhere_SaysNo()
    {
        byte[] frame = Convert.FromHexString(DataFrame);
        for (int length = 0; length < frame.Length; length++)
        {
            Assert.False(FrameView.TryParse(frame.AsSpan(0, length), out _));
        }

        Assert.True(FrameView.TryParse([.. frame, 0, 0], out FrameView padded));
        Assert.Equal(16, padded.Body.Length);
    }

    [Theory]
    [InlineData(0x06)]
    [InlineData(0x26)]
    [InlineData(0xF6)]
    public void TryParse_OtherVersion_SaysNo(byte first)
    {
        byte[] frame = Convert.FromHexString(DataFrame);
        frame[0] = first;
        Assert.False(FrameView.TryParse(frame, out _));
        Assert.False(FrameView.TryPeek(frame, out _, out _));
    }

    [Fact]
    public void TryParse_UnknownTypeAndFlags_Survive()
    {
        byte[] frame = Convert.FromHexString(DataFrame);
        frame[0] = 0x1F;
        frame[1] = 0xF0;
        Assert.True(FrameView.TryParse(frame, out FrameView view));
        Assert.Equal((FrameType)15, view.Header.Type);
        Assert.Equal((FrameFlags)0xF0, view.Header.Flags);
        byte[] again = new byte[FrameHeader.Length];
        view.Header.Write(again);
        Assert.Equal(frame[..FrameHeader.Length], again);
    }
}
