using PcieOe.Protocol.Tlp;
using Xunit;

namespace PcieOe.Protocol.Tests.Tlp;

public sealed class EcrcTests
{
    [Fact]
    public void Compute_AnyTlp_EqualsTheShiftRegisterOfTheSpecification()
    {
        Random random = new(7);
        for (int round = 0; round < 200; round++)
        {
            byte[] tlp = new byte[12 + 4 * random.Next(0, 40)];
            random.NextBytes(tlp);
            Assert.Equal(ShiftRegister(tlp), Ecrc.Compute(tlp));
        }
    }

    [Fact]
    public void Write_ThenRead_Valid()
    {
        byte[] tlp = WriteWithDigest();
        Assert.True(TlpView.TryParse(tlp, out TlpView view));
        Assert.True(view.HasDigest);
        Assert.NotEqual(0xA5A5A5A5u, view.Digest);
        Assert.True(view.IsDigestValid);
        Assert.Equal(TlpDefect.None, TlpRules.Check(view, 128));
    }

    [Fact]
    public void IsDigestValid_AnyOneBitFlipped_Noticed()
    {
        byte[] good = WriteWithDigest();
        for (int bit = 0; bit < good.Length * 8; bit++)
        {
            byte[] bad = [.. good];
            bad[bit / 8] ^= (byte)(1 << bit % 8);
            if (!TlpView.TryParse(bad, out TlpView view) || !view.HasDigest || view.TotalBytes != good.Length)
            {
                continue;
            }

            // Bit 0 of Type and EP may change on the way, so the digest leaves them out.
            bool mayChange = bit is 0 or 2 * 8 + 6;
            Assert.Equal(mayChange, view.IsDigestValid);
            Assert.Equal(mayChange, TlpRules.Check(view, 128) != TlpDefect.Digest);
        }
    }

    [Fact]
    public void IsDigestValid_LocalPrefixChanged_StillValid_EndToEndOneNot()
    {
        byte[] bare = WriteWithDigest();
        byte[] endToEnd = TlpBytes.FromHex("90112233");
        uint digest = Ecrc.Compute(bare.AsSpan(0, bare.Length - 4), endToEnd);
        byte[] tlp = [.. TlpBytes.FromHex("80445566"), .. endToEnd, .. bare];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt32BigEndian(tlp.AsSpan(tlp.Length - 4), digest);
        Assert.True(TlpView.TryParse(tlp, out TlpView view));
        Assert.True(view.IsDigestValid);
        tlp[1] ^= 0xFF;
        Assert.True(TlpView.TryParse(tlp, out view));
        Assert.True(view.IsDigestValid);
        tlp[5] ^= 0x01;
        Assert.True(TlpView.TryParse(tlp, out view));
        Assert.False(view.IsDigestValid);
    }

    private static byte[] WriteWithDigest()
    {
        byte[] tlp = TlpBytes.Dirty(12 + 16 + 4);
        new MemoryRequestHeader
        {
            Operation = MemoryOperation.Write,
            Address = 0x1000,
            LengthDoublewords = 4,
            RequesterId = new RoutingId(0x0100),
            ByteEnables = new ByteEnables(0xF, 0xF),
            HasDigest = true,
        }.Write(tlp);
        Ecrc.Write(tlp);
        return tlp;
    }

    /// <summary>The register as section 2.7.1 draws it: most significant bit out first, low bit of each byte in first, table 2-47 at the end.</summary>
    private static uint ShiftRegister(byte[] tlp)
    {
        uint register = uint.MaxValue;
        for (int index = 0; index < tlp.Length; index++)
        {
            int value = tlp[index] | (index == 0 ? 0x01 : index == 2 ? 0x40 : 0);
            for (int bit = 0; bit < 8; bit++)
            {
                bool feedback = (register >> 31 != 0) != ((value >> bit & 1) != 0);
                register = register << 1 ^ (feedback ? 0x04C11DB7u : 0);
            }
        }

        register = ~register;
        uint digest = 0;
        for (int result = 0; result < 32; result++)
        {
            int position = result / 8 * 8 + 7 - result % 8;
            digest |= (register >> result & 1) << position;
        }

        return digest;
    }
}
