using PcieOe.Protocol.Tlp;
using Xunit;

namespace PcieOe.Protocol.Tests.Tlp;

public sealed class TlpRulesTests
{
    [Theory]
    [InlineData("04000001 0000000f 01000004", TlpDefect.None)]
    [InlineData("04000002 0000000f 01000004", TlpDefect.FixedField)]
    [InlineData("04000001 0000001f 01000004", TlpDefect.FixedField)]
    [InlineData("04100001 0000000f 01000004", TlpDefect.FixedField)]
    [InlineData("02000002 0000000f 00001000", TlpDefect.FixedField)]
    [InlineData("02000001 000000ff 00001000", TlpDefect.FixedField)]
    [InlineData("00000001 0000000f 00001000", TlpDefect.None)]
    [InlineData("00000001 00000000 00001000", TlpDefect.None)]
    [InlineData("00000001 000000ff 00001000", TlpDefect.ByteEnables)]
    [InlineData("00000002 0000000f 00001000", TlpDefect.ByteEnables)]
    [InlineData("00000002 000000f0 00001000", TlpDefect.ByteEnables)]
    [InlineData("00000002 00000095 00001000", TlpDefect.None)]
    [InlineData("00000002 00000095 00001004", TlpDefect.ByteEnables)]
    [InlineData("00000003 0000009f 00001000", TlpDefect.ByteEnables)]
    [InlineData("00000003 000000f6 00001000", TlpDefect.ByteEnables)]
    [InlineData("00000003 0000003c 00001000", TlpDefect.None)]
    [InlineData("00000002 000000ff 00001ffc", TlpDefect.CrossesBoundary)]
    [InlineData("00000001 0000000f 00001ffc", TlpDefect.None)]
    [InlineData("00000000 000000ff 00001000", TlpDefect.None)]
    [InlineData("00000000 000000ff 00001004", TlpDefect.CrossesBoundary)]
    [InlineData("20000001 0000000f 00000000 00001000", TlpDefect.AddressFormat)]
    [InlineData("20000001 0000000f 00000001 00001000", TlpDefect.None)]
    [InlineData("20000002 000000ff ffffffff fffffffc", TlpDefect.CrossesBoundary)]
    [InlineData("4c000001 00000000 00001004 00000000", TlpDefect.None)]
    [InlineData("4c000002 00000000 00001004 00000000 00000000", TlpDefect.AtomicOperand)]
    [InlineData("4c000003 00000000 00001000 00000000 00000000 00000000", TlpDefect.AtomicOperand)]
    [InlineData("4e000001 00000000 00001000 00000000", TlpDefect.AtomicOperand)]
    [InlineData("4e000002 00000000 00001004 00000000 00000000", TlpDefect.None)]
    [InlineData("4e000003 00000000 00001000 00000000 00000000 00000000", TlpDefect.AtomicOperand)]
    [InlineData("6d000001 00000000 00000000 00001000 00000000", TlpDefect.AddressFormat)]
    [InlineData("0a000000 00002004 00000100", TlpDefect.None)]
    [InlineData("4a000001 00002004 00000100 00000000", TlpDefect.CompletionData)]
    [InlineData("90000000 00000001 0000000f 00001000", TlpDefect.None)]
    [InlineData("90000000 80000000 00000001 0000000f 00001000", TlpDefect.Prefixes)]
    [InlineData("90000000 90000000 90000000 90000000 90000000 00000001 0000000f 00001000", TlpDefect.Prefixes)]
    [InlineData("00008001 0000000f 00001000 00000000", TlpDefect.Digest)]
    [InlineData("30000000 00000020 00000000 00000000", TlpDefect.None)]
    [InlineData("1f000003 000000ff 00001ffc", TlpDefect.None)]
    public void Check_EachRule_Named(string words, TlpDefect expected)
    {
        byte[] bytes = TlpBytes.FromHex(words);
        Assert.True(TlpView.TryParse(bytes, out TlpView view));
        Assert.Equal(bytes.Length, view.TotalBytes);
        Assert.Equal(expected, TlpRules.Check(view, 128));
    }

    [Fact]
    public void Check_MoreDataThanMaximumPayload_Named()
    {
        Assert.True(TlpView.TryParse(TlpBytes.WithData("40000040 000000ff 00001000", 256), out TlpView view));
        Assert.Equal(TlpDefect.PayloadSize, TlpRules.Check(view, 128));
        Assert.Equal(TlpDefect.None, TlpRules.Check(view, 256));
    }

    [Fact]
    public void Values_OfDefects_AreFrozen() =>
        Assert.Equal(Enumerable.Range(0, 10), Enum.GetValues<TlpDefect>().Select(value => (int)value));
}
