using PcieOe.Protocol.Frames;
using Xunit;

namespace PcieOe.Protocol.Tests.Frames;

public sealed class Crc32CTests
{
    /// <summary>RFC 3720, B.4.</summary>
    [Theory]
    [InlineData(0x00, 0x00, 0x8A9136AA)]
    [InlineData(0xFF, 0x00, 0x62A8AB43)]
    [InlineData(0x00, 0x01, 0x46DD794E)]
    [InlineData(0x1F, 0xFF, 0x113FDB5C)]
    public void Compute_VectorsOfRfc3720_Match(byte first, byte step, uint expected)
    {
        var bytes = new byte[32];
        for (int i = 0; i < bytes.Length; i++)
        {
            bytes[i] = (byte)(first + step * i);
        }

        Assert.Equal(expected, Crc32C.Compute(bytes));
    }

    [Fact]
    public void Compute_CheckString_Matches() => Assert.Equal(0xE306_9283, Crc32C.Compute("123456789"u8));

    [Fact]
    public void Append_EveryLength_EqualsBitwiseReference()
    {
        byte[] bytes = RandomBytes(40_000, seed: 1);
        for (int length = 0; length < 600; length++)
        {
            AssertEqualsReference(bytes.AsSpan(length % 7, length));
        }

        foreach (int length in (int[])[1448, 4096, 4112, 8948, 9215, 9216, 9217, 18_432, 30_001, 39_990])
        {
            AssertEqualsReference(bytes.AsSpan(3, length));
        }
    }

    [Fact]
    public void Append_InTwoPieces_EqualsOne()
    {
        byte[] bytes = RandomBytes(2000, seed: 2);
        uint whole = Crc32C.Append(Crc32C.Initial, bytes);
        for (int cut = 0; cut <= bytes.Length; cut += 37)
        {
            Assert.Equal(whole, Crc32C.Append(Crc32C.Append(Crc32C.Initial, bytes.AsSpan(0, cut)), bytes.AsSpan(cut)));
        }
    }

    [Fact]
    public void Join_EveryMultipleOfFour_EqualsAppend()
    {
        byte[] first = RandomBytes(48, seed: 3);
        byte[] second = RandomBytes(9216, seed: 4);
        uint register = Crc32C.Append(Crc32C.Initial, first);
        for (int length = 0; length <= second.Length; length += 4)
        {
            ReadOnlySpan<byte> piece = second.AsSpan(0, length);
            Assert.Equal(Crc32C.Append(register, piece), Crc32C.Join(register, Crc32C.Append(0, piece), length));
        }
    }

    [Fact]
    public void MultiplyPortably_RandomOperands_EqualsSchoolbook()
    {
        var random = new Random(5);
        for (int i = 0; i < 1000; i++)
        {
            uint left = (uint)random.NextInt64(), right = (uint)random.NextInt64();
            ulong expected = 0;
            for (int bit = 0; bit < 32; bit++)
            {
                expected ^= (left >> bit & 1) != 0 ? (ulong)right << bit : 0;
            }

            Assert.Equal(expected, Crc32C.MultiplyPortably(left, right));
        }
    }

    private static void AssertEqualsReference(ReadOnlySpan<byte> bytes)
    {
        uint register = 0xFFFF_FFFF;
        foreach (byte value in bytes)
        {
            register ^= value;
            for (int bit = 0; bit < 8; bit++)
            {
                register = (register & 1) != 0 ? register >> 1 ^ 0x82F6_3B78 : register >> 1;
            }
        }

        Assert.Equal(~register, Crc32C.Compute(bytes));
    }

    private static byte[] RandomBytes(int count, int seed)
    {
        var bytes = new byte[count];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }
}
