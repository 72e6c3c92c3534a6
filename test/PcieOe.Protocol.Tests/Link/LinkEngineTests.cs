using PcieOe.Protocol.Frames;
using PcieOe.Protocol.Link;
using Xunit;

namespace PcieOe.Protocol.Tests.Link;

public sealed class LinkEngineTests
{
    [Theory]
    [InlineData(9000, false, 8948)]
    [InlineData(9000, true, 8936)]
    [InlineData(1500, false, 1448)]
    [InlineData(1500, true, 1436)]
    public void MaximumTlp_OfMtu_LeavesRoomForHeaderAndCheck(int mtu, bool keyed, int expected)
    {
        using var pair = new LinkPair(new LinkOptions { MaximumTransmissionUnit = mtu }, keyed);
        Assert.Equal(expected, pair.A.Engine.MaximumTlpBytes);
        Assert.Equal(expected, pair.A.Engine.RoomBytes);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Commit_SeveralTlps_ShareOneFrame(bool keyed)
    {
        using var pair = new LinkPair(keyed: keyed);
        Assert.True(pair.A.TryPut(64) && pair.A.TryPut(64) && pair.A.TryPut(64));
        Assert.True(pair.Carry(pair.A, pair.B));
        Assert.Equal(3 * 64, Assert.Single(pair.B.Delivered).Length);
        Assert.Equal<uint>([0, 1, 2], pair.B.Counts(64));
        Assert.Equal(1, pair.A.Engine.Counters.DataFramesSent);
    }

    [Fact]
    public void Reserve_MoreThanTheOpenFrameHas_OpensTheNext()
    {
        using var pair = new LinkPair();
        Assert.True(pair.A.TryPut(4112) && pair.A.TryPut(4112));
        Assert.Equal(8948 - 2 * 4112, pair.A.Engine.RoomBytes);
        Assert.True(pair.A.TryPut(4112));
        List<byte[]> frames = pair.A.Collect(pair.Now);
        Assert.Equal([48 + 2 * 4112 + 4, 48 + 4112 + 4], frames.Select(frame => frame.Length));
    }

    [Fact]
    public void Reserve_WithoutCommit_LeavesNothing()
    {
        using var pair = new LinkPair();
        pair.A.Engine.Reserve(64).Fill(1);
        Assert.Empty(pair.A.Collect(pair.Now));
        Assert.True(pair.A.TryPut(32));
        pair.A.Engine.Reserve(64).Fill(1);
        Assert.Equal(48 + 32 + 4, Assert.Single(pair.A.Collect(pair.Now)).Length);
        Assert.Throws<ArgumentOutOfRangeException>(() => pair.A.Engine.Commit(64));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(6)]
    [InlineData(8952)]
    public void Reserve_ImpossibleLength_IsTheCallersMistake(int bytes)
    {
        using var pair = new LinkPair();
        Assert.Throws<ArgumentOutOfRangeException>(() => pair.A.Engine.Reserve(bytes).Length);
    }

    [Fact]
    public void Fill_BeyondTheWindow_IsRefusedUntilAcknowledged()
    {
        using var pair = new LinkPair();
        int frames = 0;
        while (pair.A.TryPut(8948))
        {
            frames++;
        }

        Assert.Equal(pair.A.Engine.CongestionWindowFrames + new LinkOptions().UnsentFrames, frames);
        Assert.Equal(0, pair.A.Engine.RoomBytes);
        pair.Exchange();
        Assert.True(pair.A.TryPut(8948));
    }

    [Fact]
    public void Frames_InAnyOrder_AreDeliveredInOrder()
    {
        using var pair = new LinkPair(new LinkOptions { FirstSequence = new SequenceNumber(uint.MaxValue - 3) });
        List<byte[]> frames = [.. Enumerable.Range(0, 10).Select(_ => pair.A.Frame(pair.Now))];
        foreach (int index in (int[])[3, 1, 9, 0, 4, 2, 7, 8, 6, 5])
        {
            Assert.Equal(FrameVerdict.Accepted, pair.B.Engine.OnFrame(frames[index], pair.Now));
        }

        Assert.Equal(Enumerable.Range(0, 10).Select(i => (uint)i), pair.B.Counts(64));
        Assert.Equal(Enumerable.Range(1, 10).Select(i => (ulong)i), pair.B.DeliveredFrameNumbers);
        Assert.Equal(7, pair.B.Engine.Counters.ReorderedData);
        pair.Exchange();
        Assert.True(pair.A.Engine.IsDrained);
        Assert.Equal(0, pair.A.Engine.Counters.FastRetransmits);
    }

    [Fact]
    public void Loss_OfOneFrame_IsMendedOnAcknowledgementOfLaterOnes()
    {
        using var pair = new LinkPair();
        List<byte[]> frames = [.. Enumerable.Range(0, 6).Select(_ => pair.A.Frame(pair.Now))];
        foreach (int index in (int[])[0, 2, 3, 4, 5])
        {
            pair.B.Engine.OnFrame(frames[index], pair.Now);
        }

        pair.Exchange();
        Assert.Equal(Enumerable.Range(0, 6).Select(i => (uint)i), pair.B.Counts(64));
        Assert.Equal(1, pair.A.Engine.Counters.FastRetransmits);
        Assert.Equal(0, pair.A.Engine.Counters.ProbeRetransmits);
        Assert.True(pair.A.Engine.IsDrained);
    }

    [Fact]
    public void Loss_OfTheRetransmissionToo_IsMendedWithoutATimeout()
    {
        using var pair = new LinkPair();
        List<byte[]> frames = [.. Enumerable.Range(0, 6).Select(_ => pair.A.Frame(pair.Now))];
        frames.Skip(1).ToList().ForEach(frame => pair.B.Engine.OnFrame(frame, pair.Now));
        pair.Carry(pair.B, pair.A);
        Assert.Single(pair.A.Collect(pair.Now));
        for (int i = 0; i < 4; i++)
        {
            pair.B.Engine.OnFrame(pair.A.Frame(pair.Now), pair.Now);
        }

        pair.Exchange();
        Assert.Equal(10, pair.B.Counts(64).Count());
        Assert.Equal(2, pair.A.Engine.Counters.FastRetransmits);
        Assert.Equal(0, pair.A.Engine.Counters.ProbeRetransmits);
    }

    [Fact]
    public void Loss_OfTheLastFrame_IsMendedByAProbe()
    {
        using var pair = new LinkPair();
        pair.A.Frame(pair.Now);
        pair.PassToNextDeadline();
        pair.Exchange();
        Assert.Equal<uint>([0], pair.B.Counts(64));
        Assert.Equal(1, pair.A.Engine.Counters.ProbeRetransmits);
        Assert.True(pair.A.Engine.IsDrained);
    }

    [Fact]
    public void Acknowledgement_OfFewFrames_WaitsForDataOrADelay()
    {
        using var pair = new LinkPair();
        pair.B.Engine.OnFrame(pair.A.Frame(pair.Now), pair.Now);
        Assert.Empty(pair.B.Collect(pair.Now));
        Assert.Equal(pair.Now + 50_000, pair.B.Engine.NextDeadline);
        pair.Pass(50_000);
        Assert.Equal(48 + 4, Assert.Single(pair.B.Collect(pair.Now)).Length);

        pair.B.Engine.OnFrame(pair.A.Frame(pair.Now), pair.Now);
        Assert.True(pair.B.TryPut(64));
        Assert.Single(pair.B.Collect(pair.Now));
        pair.Pass(50_000);
        Assert.Empty(pair.B.Collect(pair.Now));
        Assert.Equal(1, pair.B.Engine.Counters.AckFramesSent);
    }

    [Fact]
    public void Reordering_BeyondAHeadersBitmap_IsNotTakenForLoss()
    {
        using var pair = new LinkPair();
        GrowWindow(pair);
        List<byte[]> frames = [.. Enumerable.Range(0, 300).Select(_ => pair.A.Frame(pair.Now))];
        frames.Skip(1).ToList().ForEach(frame => pair.B.Engine.OnFrame(frame, pair.Now));
        pair.Exchange();
        Assert.True(pair.A.Engine.IsDrained);
        Assert.Equal(1, pair.A.Engine.Counters.FastRetransmits);
    }

    [Fact]
    public void RoundTrip_IsMeasuredWithoutTheAcknowledgementsDelay()
    {
        using var pair = new LinkPair();
        byte[] frame = pair.A.Frame(pair.Now);
        pair.Pass(20_000);
        pair.B.Engine.OnFrame(frame, pair.Now);
        pair.Pass(50_000);
        byte[] ack = Assert.Single(pair.B.Collect(pair.Now));
        pair.Pass(7_000);
        pair.A.Engine.OnFrame(ack, pair.Now);
        Assert.Equal(27_000, pair.A.Engine.SmoothedRoundTripNanoseconds);
        Assert.Equal(27_000, pair.A.Engine.MinimumRoundTripNanoseconds);
    }

    [Fact]
    public void Idle_ForTheKeepAliveTime_SendsASignOfLife()
    {
        using var pair = new LinkPair();
        pair.Pass(999_000_000);
        Assert.Empty(pair.A.Collect(pair.Now));
        pair.PassToNextDeadline();
        Assert.Single(pair.A.Collect(pair.Now));
        Assert.False(pair.B.Engine.IsOutage(pair.Now));
        pair.Pass(2_000_000_000);
        Assert.True(pair.B.Engine.IsOutage(pair.Now));
    }

    [Fact]
    public void Outage_EndsWithTheFirstFrame_AndSendingResumesAtOnce()
    {
        using var pair = new LinkPair();
        pair.A.Frame(pair.Now);
        int probes = 0;
        long start = pair.Now;
        while (pair.Now < start + 10_000_000_000)
        {
            pair.PassToNextDeadline();
            probes += pair.A.Collect(pair.Now).Count;
            pair.B.Collect(pair.Now);
        }

        Assert.True(pair.A.Engine.IsOutage(pair.Now));
        Assert.InRange(probes, 30, 80);
        pair.Pass(1_000_000);
        Assert.True(pair.B.TryPut(64));
        pair.Carry(pair.B, pair.A);
        pair.Pass(1_000_000);
        pair.Exchange();
        Assert.True(pair.A.Engine.IsDrained);
        Assert.False(pair.A.Engine.IsOutage(pair.Now));
    }

    [Fact]
    public void SendFailure_IsALoss_AndHoldsTheNextSendingBack()
    {
        using var pair = new LinkPair();
        byte[] frame = pair.A.Frame(pair.Now);
        pair.A.Engine.OnSendFailed(1);
        Assert.Empty(pair.A.Collect(pair.Now));
        Assert.InRange(pair.A.Engine.NextDeadline, pair.Now + 1, pair.Now + 100_000);
        pair.PassToNextDeadline();
        byte[] again = Assert.Single(pair.A.Collect(pair.Now));
        Assert.Equal(frame.AsSpan(48, 64), again.AsSpan(48, 64));
        Assert.Equal(1, pair.A.Engine.Counters.SendFailures);
        Assert.InRange(pair.A.Engine.CongestionWindowFrames, 2, 31);
    }

    [Fact]
    public void Frame_Twice_IsAcceptedOnce()
    {
        using var pair = new LinkPair();
        byte[] frame = pair.A.Frame(pair.Now);
        Assert.Equal(FrameVerdict.Accepted, pair.B.Engine.OnFrame(frame, pair.Now));
        Assert.Equal(FrameVerdict.Replayed, pair.B.Engine.OnFrame(frame, pair.Now));
        Assert.Single(pair.B.Delivered);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Frame_WithAnyByteChanged_IsDropped(bool keyed)
    {
        using var pair = new LinkPair(keyed: keyed);
        byte[] frame = pair.A.Frame(pair.Now);
        for (int i = 0; i < frame.Length; i++)
        {
            frame[i] ^= 0x10;
            Assert.NotEqual(FrameVerdict.Accepted, pair.B.Engine.OnFrame(frame, pair.Now));
            frame[i] ^= 0x10;
        }

        Assert.Empty(pair.B.Delivered);
        Assert.Equal(FrameVerdict.Accepted, pair.B.Engine.OnFrame(frame, pair.Now));
    }

    [Fact]
    public void Frame_WithEthernetPadding_IsAccepted()
    {
        using var pair = new LinkPair();
        byte[] frame = pair.A.Frame(pair.Now, bytes: 4);
        Assert.Equal(FrameVerdict.Accepted, pair.B.Engine.OnFrame([.. frame, 0, 0, 0], pair.Now));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Control_IsDeliveredOnceAndNotAcknowledged(bool keyed)
    {
        using var pair = new LinkPair(keyed: keyed);
        Assert.True(pair.A.Engine.TryQueueControl(FrameType.Time, [1, 2, 3, 4, 5]));
        Assert.True(pair.A.Engine.TryQueueControl(FrameType.Close, []));
        List<byte[]> frames = pair.A.Collect(pair.Now);
        Assert.Equal(2, frames.Count);
        frames.ForEach(frame => pair.B.Engine.OnFrame(frame, pair.Now));
        frames.ForEach(frame => pair.B.Engine.OnFrame(frame, pair.Now));
        Assert.Equal([FrameType.Time, FrameType.Close], pair.B.Control.Select(control => control.Type));
        Assert.Equal([1, 2, 3, 4, 5], pair.B.Control[0].Content);
        Assert.Equal<ulong>([1, 2], pair.B.Control.Select(control => control.FrameNumber));
        Assert.Empty(pair.B.Collect(pair.Now));
    }

    [Fact]
    public void Control_BeyondTheQueue_IsRefused()
    {
        using var pair = new LinkPair();
        Assert.False(pair.A.Engine.TryQueueControl(FrameType.Feedback, new byte[LinkEngine.MaximumControlBytes + 1]));
        Assert.True(Enumerable.Range(0, 4).All(_ => pair.A.Engine.TryQueueControl(FrameType.Feedback, new byte[LinkEngine.MaximumControlBytes])));
        Assert.False(pair.A.Engine.TryQueueControl(FrameType.Feedback, []));
        Assert.Throws<ArgumentOutOfRangeException>(() => pair.A.Engine.TryQueueControl(FrameType.Data, []));
    }

    [Fact]
    public void Rekey_EveryFewFrames_GoesUnnoticed()
    {
        using var pair = new LinkPair(keyed: true, rekeyInterval: 8);
        for (int i = 0; i < 100; i++)
        {
            Assert.True(pair.A.TryPut(64) && pair.B.TryPut(64));
            pair.Exchange();
        }

        Assert.Equal(100, pair.A.Counts(64).Count());
        Assert.Equal(100, pair.B.Counts(64).Count());
    }

    private static void GrowWindow(LinkPair pair)
    {
        for (int round = 0; round < 12; round++)
        {
            while (pair.A.TryPut(64))
            {
                // Each Put goes into the frame being filled; taking it out closes it.
                while (pair.A.Engine.RoomBytes is > 0 and < 8948 && pair.A.TryPut(Math.Min(4096, pair.A.Engine.RoomBytes)))
                {
                }
            }

            List<byte[]> frames = pair.A.Collect(pair.Now);
            pair.Pass(10_000);
            frames.ForEach(frame => pair.B.Engine.OnFrame(frame, pair.Now));
            pair.Exchange();
        }

        Assert.InRange(pair.A.Engine.CongestionWindowFrames, 300, 512);
        pair.B.Delivered.Clear();
    }

    [Fact]
    public void LimitedWindow_StopsTheSender_UntilMoreIsPermitted()
    {
        using var pair = new LinkPair(new LinkOptions { WindowFrames = 64 });
        pair.B.Engine.LimitReceive(0);
        int frames = 0;
        for (int round = 0; round < 20; round++)
        {
            while (pair.A.TryPut(8948))
            {
                frames++;
            }

            pair.Exchange();
        }

        // The whole window was permitted before the limit was set.
        Assert.Equal(64, pair.B.Delivered.Count);
        Assert.True(frames > 65);
        pair.B.Engine.LimitReceive(1);
        pair.Exchange();
        Assert.Equal(65, pair.B.Delivered.Count);
        pair.B.Engine.ReleaseReceive();
        pair.Exchange();
        Assert.Equal(frames, pair.B.Delivered.Count);
    }

    [Fact]
    public void DataHeldBack_AcknowledgementAndControlGoAllTheSame()
    {
        using var pair = new LinkPair();
        for (int i = 0; i < 8; i++)
        {
            Assert.True(pair.B.TryPut(8948));
        }

        pair.Carry(pair.B, pair.A);
        Assert.True(pair.A.TryPut(64));
        Assert.True(pair.A.Engine.TryQueueControl(FrameType.Close, [0, 0, 0, 0]));
        byte[] header = new byte[FrameHeader.Length], scratch = new byte[pair.A.Engine.SealScratchBytes];
        Assert.True(pair.A.Engine.TryGetFrameToSend(pair.Now, header, scratch, out _, mayCarryData: false));
        Assert.Equal((byte)FrameType.Close, header[0] & 0xF);
        Assert.False(pair.A.Engine.TryGetFrameToSend(pair.Now, header, scratch, out _, mayCarryData: false));

        // The close frame acknowledged, as every frame does; the next eight are acknowledged alone.
        pair.Exchange();
        for (int i = 0; i < 8; i++)
        {
            Assert.True(pair.B.TryPut(8948));
        }

        pair.Carry(pair.B, pair.A);
        Assert.True(pair.A.TryPut(64));
        Assert.True(pair.A.Engine.TryGetFrameToSend(pair.Now, header, scratch, out _, mayCarryData: false));
        Assert.Equal((byte)FrameType.Ack, header[0] & 0xF);
        Assert.False(pair.A.Engine.TryGetFrameToSend(pair.Now, header, scratch, out _, mayCarryData: false));
        Assert.True(pair.A.Engine.TryGetFrameToSend(pair.Now, header, scratch, out _));
        Assert.Equal((byte)FrameType.Data, header[0] & 0xF);
    }

    [Fact]
    public void FrameBeingFilled_KeptBack_LeavesLaterWithWhatCameMeanwhile()
    {
        using var pair = new LinkPair();
        byte[] header = new byte[FrameHeader.Length], scratch = new byte[pair.A.Engine.SealScratchBytes];
        Assert.True(pair.A.TryPut(8948) && pair.A.TryPut(64));
        Assert.True(pair.A.Engine.TryGetFrameToSend(pair.Now, header, scratch, out _, mayCloseFrame: false));
        Assert.True(pair.A.Engine.HasOpenFrame);
        Assert.False(pair.A.Engine.TryGetFrameToSend(pair.Now, header, scratch, out _, mayCloseFrame: false));
        Assert.True(pair.A.TryPut(128));
        Assert.True(pair.A.Engine.TryGetFrameToSend(pair.Now, header, scratch, out ReadOnlySpan<byte> content));
        Assert.Equal(64 + 128 + 4, content.Length);
        Assert.False(pair.A.Engine.HasOpenFrame);
    }
}
