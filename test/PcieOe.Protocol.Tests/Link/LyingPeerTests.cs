using PcieOe.Protocol.Frames;
using PcieOe.Protocol.Link;
using Xunit;

namespace PcieOe.Protocol.Tests.Link;

/// <summary>Genuine frames that say what cannot be: counted, and without effect.</summary>
public sealed class LyingPeerTests : IDisposable
{
    private readonly LinkPair _pair = new();
    private ulong _frameNumber = 1;

    public void Dispose() => _pair.Dispose();

    [Fact]
    public void Acknowledgement_OfWhatWasNeverSent_IsIgnored()
    {
        _pair.A.Frame(_pair.Now);
        Say(new FrameHeader { Type = FrameType.Ack, NextExpected = new(2), Permitted = new(600), EchoedFrameNumber = 1 });
        AssertFalse(count: 1);
        Say(new FrameHeader { Type = FrameType.Ack, NextExpected = new(0), Received = 1, Permitted = new(511), EchoedFrameNumber = 1 });
        AssertFalse(count: 2);
        Assert.False(_pair.A.Engine.IsDrained);
    }

    [Fact]
    public void Echo_OfAFrameNeverSent_IsIgnored()
    {
        _pair.A.Frame(_pair.Now);
        Say(new FrameHeader { Type = FrameType.Ack, NextExpected = new(1), Permitted = new(512), EchoedFrameNumber = 2 });
        AssertFalse(count: 1);
        Assert.False(_pair.A.Engine.IsDrained);
    }

    [Fact]
    public void Limit_ThatRetreats_IsIgnored()
    {
        Say(new FrameHeader { Type = FrameType.Ack, Permitted = new(600) });
        Say(new FrameHeader { Type = FrameType.Ack, Permitted = new(40) });
        AssertFalse(count: 1);
        Say(new FrameHeader { Type = FrameType.Ack, Permitted = new(5000) });
        AssertFalse(count: 2);
    }

    [Fact]
    public void Acknowledgement_ThatRetreats_IsIgnored()
    {
        _pair.A.Frame(_pair.Now);
        _pair.A.Frame(_pair.Now);
        Say(new FrameHeader { Type = FrameType.Ack, NextExpected = new(2), Permitted = new(513), EchoedFrameNumber = 2 });
        Say(new FrameHeader { Type = FrameType.Ack, NextExpected = new(1), Permitted = new(513), EchoedFrameNumber = 2 });
        AssertFalse(count: 1);
        Assert.True(_pair.A.Engine.IsDrained);
    }

    [Fact]
    public void Delay_LongerThanTheRoundTrip_IsNoMeasurement()
    {
        _pair.A.Frame(_pair.Now);
        _pair.Pass(1000);
        Say(new FrameHeader { Type = FrameType.Ack, NextExpected = new(1), Permitted = new(512), EchoedFrameNumber = 1, EchoDelayNanoseconds = 5000 });
        AssertFalse(count: 1);
        Assert.Equal(1_000_000, _pair.A.Engine.SmoothedRoundTripNanoseconds);
        Assert.True(_pair.A.Engine.IsDrained);
    }

    [Fact]
    public void Data_BeyondTheWindow_IsDropped()
    {
        Say(new FrameHeader { Type = FrameType.Data, Sequence = new(1000), Permitted = new(31) }, contentBytes: 8);
        Say(new FrameHeader { Type = FrameType.Data, Sequence = new(0x8000_0000), Permitted = new(31) }, contentBytes: 8);
        Assert.Equal(1, _pair.A.Engine.Counters.OutsideWindow);
        Assert.Equal(1, _pair.A.Engine.Counters.DuplicateData);
        Assert.Empty(_pair.A.Delivered);
    }

    [Fact]
    public void Data_BeyondALimitThatWasSet_IsDropped_WhateverThePeerThinksOfIt()
    {
        // All of the window, 468 full frames of 4 MiB, was permitted before: frame by frame it is used up, and no more is permitted.
        _pair.A.Engine.LimitReceive(0);
        for (uint sequence = 0; sequence < 600; sequence++)
        {
            Say(new FrameHeader { Type = FrameType.Data, Sequence = new(sequence), Permitted = new(31) }, contentBytes: 8);
        }

        Assert.Equal(468, _pair.A.Delivered.Count);
        Assert.Equal(132, _pair.A.Engine.Counters.OutsideWindow);

        // A limit of two frames lets two more through, not three; without one the window is open again.
        _pair.A.Engine.LimitReceive(2);
        SayInOrder(468, 3);
        Assert.Equal(470, _pair.A.Delivered.Count);
        _pair.A.Engine.ReleaseReceive();
        SayInOrder(470, 468);
        Assert.Equal(470 + 468, _pair.A.Delivered.Count);

        void SayInOrder(uint first, uint count)
        {
            for (uint sequence = first; sequence < first + count; sequence++)
            {
                Say(new FrameHeader { Type = FrameType.Data, Sequence = new(sequence), Permitted = new(31) }, contentBytes: 8);
            }
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(6)]
    public void Data_OfNoWholeDoublewords_IsDropped(int contentBytes)
    {
        Say(new FrameHeader { Type = FrameType.Data, Permitted = new(31) }, contentBytes);
        AssertFalse(count: 1);
        Assert.Empty(_pair.A.Delivered);
    }

    [Fact]
    public void FrameNumber_OutOfAllProportion_IsDropped()
    {
        _frameNumber = ulong.MaxValue;
        Assert.Equal(FrameVerdict.Replayed, Say(new FrameHeader { Type = FrameType.Ack, Permitted = new(31) }));
        _frameNumber = 1;
        Assert.Equal(FrameVerdict.Accepted, Say(new FrameHeader { Type = FrameType.Ack, Permitted = new(31) }));
    }

    private FrameVerdict Say(FrameHeader header, int contentBytes = 0)
    {
        byte[] frame = new byte[FrameHeader.Length + contentBytes + FrameCheck.Length];
        header = header with { FrameNumber = _frameNumber++, BodyLength = (ushort)(contentBytes + FrameCheck.Length), SessionId = LinkPair.SessionOfA };
        header.Write(frame);
        Span<byte> content = frame.AsSpan(FrameHeader.Length, contentBytes);
        FrameCheck.Write(frame.AsSpan(0, FrameHeader.Length), content, frame.AsSpan(FrameHeader.Length + contentBytes));
        return _pair.A.Engine.OnFrame(frame, _pair.Now);
    }

    private void AssertFalse(int count) => Assert.Equal(count, _pair.A.Engine.Counters.FalseStatements);
}
