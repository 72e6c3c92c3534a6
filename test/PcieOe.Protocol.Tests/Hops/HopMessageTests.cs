using PcieOe.Protocol.Hops;
using PcieOe.Protocol.Tlp;
using Xunit;

namespace PcieOe.Protocol.Tests.Hops;

/// <summary>The messages of docs/wire-format.md, "Hop stamps".</summary>
public sealed class HopMessageTests
{
    private const string GoldenMark = "34000000" + "0000007f" + "0000f1a5" + "0badcafe";

    private const string GoldenReport = "74000010" + "0100007f" + "0000f1a5" + "0badcafe"
        + "0102030405060708" + "00000011" + "00000012" + "00000013" + "00000014" + "00000015" + "00000016"
        + "02030100" + "00001000" + "00000000deadbeef" + "0badcafd" + "1112131415161718" + "00000017";

    private static readonly HopReport Report = new()
    {
        Name = 0x0BADCAFE,
        ArrivedAt = 0x0102030405060708,
        TargetReceive = 0x11,
        PolicyWait = 0x12,
        FlashQueue = 0x13,
        FlashCell = 0x14,
        FlashTransfer = 0x15,
        TargetQueue = 0x16,
        Opcode = 2,
        Class = 3,
        RingWait = 0x17,
        IsRingWaitKnown = true,
        DataBytes = 4096,
        FrameNumber = 0xDEADBEEF,
        LeftName = 0x0BADCAFD,
        LeftAt = 0x1112131415161718,
    };

    [Fact]
    public void Mark_Written_IsTheGoldenMessage()
    {
        byte[] bytes = Filled(HopMark.WrittenLength);
        HopMark.Write(bytes, new RoutingId(0, 0, 0), 0x0BADCAFE);
        Assert.Equal(GoldenMark, Convert.ToHexStringLower(bytes));
        TlpView message = Parse(bytes);
        Assert.Equal(TlpDefect.None, TlpRules.Check(message, 4096));
        Assert.True(HopMark.TryParse(message, out uint name));
        Assert.Equal(0x0BADCAFEu, name);
        Assert.False(HopReport.TryParse(message, out _));
    }

    [Fact]
    public void Report_Written_IsTheGoldenMessage()
    {
        byte[] bytes = Filled(HopReport.WrittenLength);
        Report.Write(bytes, new RoutingId(1, 0, 0));
        Assert.Equal(GoldenReport, Convert.ToHexStringLower(bytes));
        TlpView message = Parse(bytes);
        Assert.Equal(TlpDefect.None, TlpRules.Check(message, 4096));
        Assert.True(HopReport.TryParse(message, out HopReport read));
        Assert.Equal(Report, read);
        Assert.Equal(0x0102030405060708 + 0x11 + 0x12 + 0x13 + 0x14 + 0x15 + 0x16, read.WritingAt);
        Assert.False(HopMark.TryParse(message, out _));
    }

    [Fact]
    public void ProbeOrder_Written_IsTheGoldenMessage()
    {
        ProbeOrder order = new() { Name = 0x0BADCAFE, Kind = ProbeKind.DmaWrite, Bytes = 4096, Address = 0x1122334455667700 };
        byte[] bytes = Filled(ProbeOrder.WrittenLength);
        order.Write(bytes, new RoutingId(0, 0, 0));
        Assert.Equal("74000004" + "0000007f" + "0000f1a5" + "0badcafe" + "02000000" + "00001000" + "1122334455667700", Convert.ToHexStringLower(bytes));
        TlpView message = Parse(bytes);
        Assert.Equal(TlpDefect.None, TlpRules.Check(message, 4096));
        Assert.True(ProbeOrder.TryParse(message, out ProbeOrder read));
        Assert.Equal(order, read);
        Assert.False(HopMark.TryParse(message, out _) || HopReport.TryParse(message, out _) || ProbeAnswer.TryParse(message, out _));
    }

    [Fact]
    public void ProbeAnswer_Written_IsTheGoldenMessage()
    {
        ProbeAnswer answer = new() { Name = 0x0BADCAFE, Status = ProbeStatus.Failed, Check = 0xDEADBEEF, BegunAt = 0x0102030405060708, EndedAt = 0x1112131415161718 };
        byte[] bytes = Filled(ProbeAnswer.WrittenLength);
        answer.Write(bytes, new RoutingId(1, 0, 0));
        Assert.Equal("74000006" + "0100007f" + "0000f1a5" + "0badcafe" + "02000000" + "deadbeef" + "0102030405060708" + "1112131415161718", Convert.ToHexStringLower(bytes));
        TlpView message = Parse(bytes);
        Assert.Equal(TlpDefect.None, TlpRules.Check(message, 4096));
        Assert.True(ProbeAnswer.TryParse(message, out ProbeAnswer read));
        Assert.Equal(answer, read);
        Assert.False(HopMark.TryParse(message, out _) || HopReport.TryParse(message, out _) || ProbeOrder.TryParse(message, out _));
    }

    [Theory]
    [InlineData(10, 0x00)] // Another vendor's.
    [InlineData(7, 0x7E)] // Type 0, which a receiver may not ignore.
    public void Message_OfOthers_IsNeither(int offset, byte value)
    {
        byte[] mark = Convert.FromHexString(GoldenMark);
        byte[] report = Convert.FromHexString(GoldenReport);
        mark[offset] = report[offset] = value;
        Assert.False(HopMark.TryParse(Parse(mark), out _));
        Assert.False(HopReport.TryParse(Parse(report), out _));
    }

    [Fact]
    public void Mark_WithoutAName_IsNone()
    {
        byte[] bytes = Convert.FromHexString(GoldenMark);
        bytes.AsSpan(12).Clear();
        Assert.False(HopMark.TryParse(Parse(bytes), out _));
    }

    private static byte[] Filled(int length)
    {
        byte[] bytes = new byte[length];
        Array.Fill(bytes, (byte)0xA5);
        return bytes;
    }

    private static TlpView Parse(byte[] bytes)
    {
        Assert.True(TlpView.TryParse(bytes, out TlpView message));
        return message;
    }
}
