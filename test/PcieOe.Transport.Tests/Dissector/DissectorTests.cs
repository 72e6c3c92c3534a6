using PcieOe.Protocol.Frames;
using Xunit;

namespace PcieOe.Transport.Tests.Dissector;

/// <summary>What Wireshark shows of golden frames, by way of tshark.</summary>
[Trait("Category", "System")]
public sealed class DissectorTests : IDisposable
{
    private readonly CaptureBuilder _capture = new();

    public void Dispose() => _capture.Dispose();

    [Fact]
    public void Header_OfADataFrame_EveryFieldShown()
    {
        _capture.Data(fromHost: true, 41, "04000001 0018070f 01000104");
        Assert.Equal(
            ["1|6|0|0|16|0x00002222|1|41|7|500|1"],
            Tshark.Fields(
                _capture, "pcieoe.version", "pcieoe.type", "pcieoe.flags.key_phase", "pcieoe.flags.ack_requested", "pcieoe.length",
                "pcieoe.session", "pcieoe.frame", "pcieoe.sequence", "pcieoe.next", "pcieoe.permitted", "pcieoe.check.status")
                .Select(line => line.Replace("False", "0", StringComparison.Ordinal)));
    }

    [Fact]
    public void Tlps_BackToBack_EachShown()
    {
        _capture.Data(
            fromHost: false,
            1,
            "00000019 1b00033f 3bb26800",
            "40000001 1b00030f fee1a000 22400000",
            "00000000 0e0081ff 00001000",
            "60000001 1b00000e 00000012 34567000 00112233",
            "20800001 1b00ff08 00000001 00000000");
        Assert.Equal(
            ["Data seq=1 next=7 MRd32 0x3bb26800 98 B tag 3, MWr32 0xfee1a000 4 B, MRd32 0x1000 4096 B tag 129, MWr64 0x1234567000+1 3 B, +1"],
            Tshark.Info(_capture));
        Assert.Equal(
            ["0x00,0x40,0x00,0x60,0x20|3,3,129,0,767|25,1,1024,1,1|98,4,4096,3,1"],
            Tshark.Fields(_capture, "pcieoe.tlp.type", "pcieoe.tlp.tag", "pcieoe.tlp.length", "pcieoe.tlp.bytes"));
    }

    [Fact]
    public void Tlps_OfEveryKind_Named()
    {
        string[] tlps =
        [
            "44000001 0000070f 01000104 11223344",
            "05000001 0000080f 02000000",
            "02000001 0000090f 000003f8",
            "42000001 00000a0f 000003f8 00000000",
            "6c000001 00000b00 00000001 00000000 00000000",
            "74000001 0100007f 00001234 00000000 01020304",
            "90112233 80445566 00008001 00000c0f 00001000 00000000",
            "1f000001 00000d0f 00001000",
            "0a000000 01002004 00000e00",
        ];
        for (uint index = 0; index < tlps.Length; index++)
        {
            _capture.Data(fromHost: true, index, tlps[index]);
        }

        Assert.Equal(
            [
                "CfgWr0 01:00.0 0x104 tag 7", "CfgRd1 02:00.0 0x0 tag 8", "IORd 0x3f8 4 B tag 9", "IOWr 0x3f8 4 B tag 10", "FetchAdd64 0x100000000 tag 11",
                "MsgD local Vendor_Defined type 1", "MRd32 0x1000 4 B tag 12", "TLP type 0x1f", "Cpl tag 14 UR",
            ],
            Tshark.Info(_capture).Select(line => line[(line.IndexOf("next=7", StringComparison.Ordinal) + 7)..]));
        Assert.Equal(["7"], Tshark.Matching(_capture, "pcieoe.tlp.prefix == 0x90112233 && pcieoe.tlp.digest == 0"));
        Assert.Equal(["6"], Tshark.Matching(_capture, "pcieoe.tlp.vendor == 0x1234"));
        Assert.Equal(["8"], Tshark.Matching(_capture, "pcieoe.tlp.unknown"));
        Assert.Equal(["9"], Tshark.Matching(_capture, "pcieoe.tlp.failed && pcieoe.tlp.unexpected"));
    }

    [Fact]
    public void Completions_OfARequest_JoinedToIt()
    {
        string first = "4a000010 00000080 01000500" + new string('0', 128);
        string second = "4a000010 00000040 01000540" + new string('0', 128);
        _capture
            .Accept(security: 0, status: 0)
            .Data(fromHost: false, 1, "20000020 010005ff 00000001 00000000")
            .Data(fromHost: true, 1, first)
            .Data(fromHost: true, 2, second)
            .Data(fromHost: true, 3, second);
        Assert.Equal(
            ["||", "4||", "|2|0.000001000", "|2|0.000002000", "||"],
            Tshark.Fields(_capture, "pcieoe.tlp.completed_in", "pcieoe.tlp.request_in", "pcieoe.tlp.latency"));
        Assert.Equal(["5"], Tshark.Matching(_capture, "pcieoe.tlp.unexpected"));
    }

    [Fact]
    public void Tag_UsedByBothSides_NotMixedUp()
    {
        _capture
            .Data(fromHost: true, 1, "20000001 0100050f 00000010 00000000")
            .Data(fromHost: false, 1, "20000001 0100050f 00000001 00000000")
            .Data(fromHost: false, 2, "4a000001 00000004 01000500 00000000")
            .Data(fromHost: true, 2, "4a000001 00000004 01000500 00000000");
        Assert.Equal(["3|", "4|", "|1", "|2"], Tshark.Fields(_capture, "pcieoe.tlp.completed_in", "pcieoe.tlp.request_in"));
    }

    [Fact]
    public void Tag_UsedAgainTooEarly_Noted()
    {
        _capture
            .Data(fromHost: true, 1, "20000001 0100050f 00000010 00000000")
            .Data(fromHost: true, 2, "20000001 0100050f 00000010 00000008");
        Assert.Equal(["2"], Tshark.Matching(_capture, "pcieoe.tlp.tag_reused"));
    }

    [Fact]
    public void Frame_SentAgain_NamesTheFirstAndMatchesNothingTwice()
    {
        _capture
            .Data(fromHost: true, 1, "20000001 0100050f 00000010 00000000")
            .Data(fromHost: true, 1, "20000001 0100050f 00000010 00000000")
            .Data(fromHost: true, 4, "20000001 0100060f 00000010 00000000");
        Assert.Equal(["|", "1|", "|"], Tshark.Fields(_capture, "pcieoe.retransmission_of", "pcieoe.tlp.completed_in"));
        Assert.Equal(["2"], Tshark.Matching(_capture, "pcieoe.retransmission"));
        Assert.Equal(["3"], Tshark.Matching(_capture, "pcieoe.gap"));
        Assert.Empty(Tshark.Matching(_capture, "pcieoe.tlp.tag_reused"));
    }

    [Fact]
    public void KeyedSession_ItsFrames_ShowTheClearHeaderOnly()
    {
        byte[] secret = new byte[48];
        new Random(1).NextBytes(secret);
        _capture
            .Accept(security: 1, status: 0)
            .Sealed(fromHost: true, 5, secret)
            .Sealed(fromHost: false, 6, secret);
        Assert.Equal(
            ["Accept New session", "Data seq=5 next=7 [sealed, 32 B]", "Data seq=6 next=7 [sealed, 32 B]"],
            Tshark.Info(_capture));
        Assert.Equal(
            ["||1", $"{Convert.ToHexStringLower(secret[..32])}|{Convert.ToHexStringLower(secret[32..])}|3", $"{Convert.ToHexStringLower(secret[..32])}|{Convert.ToHexStringLower(secret[32..])}|3"],
            Tshark.Fields(_capture, "pcieoe.sealed", "pcieoe.seal", "pcieoe.check.status"));
        Assert.Equal(["2", "3"], Tshark.Matching(_capture, "pcieoe.flags.key_phase == 1 && pcieoe.frame"));
        Assert.Empty(Tshark.Matching(_capture, "pcieoe.tlp"));
    }

    [Fact]
    public void Accept_Refused_SaysWhy()
    {
        _capture.Accept(security: 1, status: 20);
        Assert.Equal(["Accept Function busy"], Tshark.Info(_capture));
        Assert.Equal(["1"], Tshark.Matching(_capture, "pcieoe.refused && pcieoe.target_name == \"rack\" && pcieoe.function_name == \"nvme0\" && pcieoe.mtu == 9000"));
    }

    [Fact]
    public void DiscoverAndOffer_WithFunctions_Named()
    {
        byte[] discover = new byte[1408];
        discover[0] = 1;
        discover[40] = 4;
        "rome"u8.CopyTo(discover.AsSpan(41));
        byte[] offer = new byte[136 + 2 * 80 + 32];
        offer[0] = 1;
        offer[3] = 2;
        offer[5] = 2;
        offer[40] = 4;
        "rack"u8.CopyTo(offer.AsSpan(41));
        foreach ((int offset, byte digit) in ((int, byte)[])[(136, (byte)'0'), (216, (byte)'1')])
        {
            offer[offset] = 5;
            "nvme"u8.CopyTo(offer.AsSpan(offset + 1));
            offer[offset + 5] = digit;
            offer[offset + 71] = digit;
        }

        _capture.Frame(fromHost: true, FrameType.Discover, 0, discover).Frame(fromHost: false, FrameType.Offer, 0, offer);
        Assert.Equal(["Discover rome|||", "Offer rack has 2 functions|rack|nvme0,nvme1|48,49"],
            Tshark.Fields(_capture, "_ws.col.Info", "pcieoe.target_name", "pcieoe.function_name", "pcieoe.function_size"));
    }

    [Fact]
    public void Frames_DamagedOrCutShort_NotDecoded()
    {
        byte[] tlp = CaptureBuilder.Bytes("04000001 0018070f 01000104");
        _capture
            .Frame(fromHost: true, FrameType.Data, 1, tlp, isDamaged: true)
            .Frame(fromHost: true, FrameType.Data, 2, CaptureBuilder.Bytes("04000001 0018070f 01000104 40000010 00000000 00000000"))
            .Frame(fromHost: true, FrameType.Data, 3, CaptureBuilder.Bytes("e0000001 0018070f 01000104"))
            .Record(fromHost: true, [0x16, 0, 0xFF, 0xFF, .. new byte[60]], vlanTag: 0)
            .Record(fromHost: true, [0x26, .. new byte[60]], vlanTag: 0)
            .Record(fromHost: true, [0x16, .. new byte[10]], vlanTag: 0);
        Assert.Equal(["1"], Tshark.Matching(_capture, "pcieoe.check.bad"));
        Assert.Equal(["2", "3"], Tshark.Matching(_capture, "pcieoe.tlp.unparsable"));
        Assert.Equal(["2"], Tshark.Matching(_capture, "pcieoe.tlp"));
        Assert.Equal(["4", "6"], Tshark.Matching(_capture, "pcieoe.truncated"));
        Assert.Equal(["5"], Tshark.Matching(_capture, "pcieoe.version.unknown"));
    }

    [Theory]
    [InlineData("20000002 010005ff 00000010 00000ffc")]
    [InlineData("20000001 010005ff 00000010 00000000")]
    [InlineData("20000002 0100050f 00000010 00000000")]
    [InlineData("20000001 0100050f 00000000 00001000")]
    [InlineData("04000002 0100050f 01000000")]
    public void Tlp_ThatBreaksARule_Marked(string words)
    {
        _capture.Data(fromHost: true, 1, words);
        Assert.Equal(["1"], Tshark.Matching(_capture, "pcieoe.tlp.malformed"));
    }

    [Fact]
    public void ControlFrames_AndATag_Shown()
    {
        byte[] time = new byte[32];
        time[0] = 1;
        time[15] = 5;
        _capture
            .Frame(fromHost: true, FrameType.Ack, 0, CaptureBuilder.Bytes("00000000 000000ff"))
            .Frame(fromHost: true, FrameType.Time, 0, time)
            .Frame(fromHost: true, FrameType.Close, 0, [2, 0, 0, 0], vlanTag: 0x6005)
            .Frame(fromHost: true, FrameType.Feedback, 0, [1, 2, 3, 4])
            .Frame(fromHost: true, FrameType.Feedback, 0, CaptureBuilder.Bytes("00000000 00004e20 00000000 165a0bc0 00000000 3b8b87c1"));
        Assert.Equal(["5"], Tshark.Matching(_capture, "pcieoe.feedback.permitted == 375000000 && pcieoe.feedback.arriving == 999000001 && pcieoe.feedback.hold == 20000"));
        Assert.Equal(["Ack next=7", "Time answer", "Close Shutdown", "Feedback", "Feedback 375.0 Mb/s"], Tshark.Info(_capture));
        Assert.Equal(["1"], Tshark.Matching(_capture, "pcieoe.bitmap == 0xff"));
        Assert.Equal(["2"], Tshark.Matching(_capture, "pcieoe.time.asked == 5"));
        Assert.Equal(["3"], Tshark.Matching(_capture, "vlan.id == 5 && pcieoe.reason == 2"));
        Assert.Equal(["4"], Tshark.Matching(_capture, "pcieoe.content == 01:02:03:04"));
    }
}
