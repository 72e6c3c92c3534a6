using PcieOe.Protocol.Tlp;
using Xunit;

namespace PcieOe.Protocol.Tests.Tlp;

public sealed class ByteEnablesTests
{
    [Fact]
    public void FromRange_EveryShortRange_ComesBackWhole()
    {
        for (int start = 0; start < 4; start++)
        {
            for (int length = 1; length <= 64; length++)
            {
                ByteEnables enables = ByteEnables.FromRange(0x1000u + (ulong)start, length);
                int doublewords = ByteEnables.Doublewords((ulong)start, length);
                Assert.Equal((start + length + 3) / 4, doublewords);
                Assert.Equal(Enumerable.Range(start, length), Enabled(enables, doublewords));
                Assert.Equal(start, enables.FirstByteOffset);
                Assert.Equal(length, enables.ByteCount(doublewords));
                Assert.True(enables.IsContiguous(doublewords));
                Assert.Equal(doublewords == 1, enables.Last == 0);
                Assert.NotEqual(0, enables.First);
            }
        }
    }

    [Fact]
    public void FromRange_WholePage_AllEnabled()
    {
        Assert.Equal(new ByteEnables(0xF, 0xF), ByteEnables.FromRange(0x2000, 4096));
        Assert.Equal(1024, ByteEnables.Doublewords(0x2000, 4096));
        Assert.Equal(4096, ByteEnables.FromRange(0x2000, 4096).ByteCount(1024));
    }

    [Fact]
    public void FromRange_Empty_IsTheZeroLengthRequest()
    {
        Assert.Equal(ByteEnables.None, ByteEnables.FromRange(0x2003, 0));
        Assert.Equal(1, ByteEnables.Doublewords(0x2000, 0));
        Assert.Equal(1, ByteEnables.None.ByteCount(1));
        Assert.Equal(0, ByteEnables.None.FirstByteOffset);
        Assert.False(ByteEnables.None.IsContiguous(1));
        Assert.False(ByteEnables.None.TryNextRun(1, 0, out _, out _));
    }

    /// <summary>The base specification's table of byte counts for one doubleword, whole (table 2-39).</summary>
    [Theory]
    [InlineData(0b1001, 4)]
    [InlineData(0b1011, 4)]
    [InlineData(0b1111, 4)]
    [InlineData(0b0101, 3)]
    [InlineData(0b0111, 3)]
    [InlineData(0b1010, 3)]
    [InlineData(0b1110, 3)]
    [InlineData(0b0011, 2)]
    [InlineData(0b0110, 2)]
    [InlineData(0b1100, 2)]
    [InlineData(0b0001, 1)]
    [InlineData(0b0010, 1)]
    [InlineData(0b0100, 1)]
    [InlineData(0b1000, 1)]
    [InlineData(0b0000, 1)]
    public void ByteCount_OneDoubleword_AsTheTable(int first, int expected) =>
        Assert.Equal(expected, new ByteEnables((byte)first, 0).ByteCount(1));

    [Theory]
    [InlineData(0b1111, 0b1111, 2, 8)]
    [InlineData(0b1110, 0b0111, 2, 6)]
    [InlineData(0b1000, 0b0001, 2, 2)]
    [InlineData(0b1100, 0b0011, 5, 16)]
    public void ByteCount_SeveralDoublewords_CountsFromFirstToLast(int first, int last, int doublewords, int expected) =>
        Assert.Equal(expected, new ByteEnables((byte)first, (byte)last).ByteCount(doublewords));

    [Fact]
    public void TryNextRun_AnyEnables_FindsExactlyTheEnabledBytes()
    {
        foreach (int doublewords in (int[])[1, 2, 3, 5])
        {
            for (int bits = 0; bits < 256; bits++)
            {
                ByteEnables enables = new((byte)(bits & 0xF), doublewords == 1 ? (byte)0 : (byte)(bits >> 4));
                List<int> expected = Enabled(enables, doublewords);
                List<int> found = [];
                int runs = 0;
                for (int start = 0; enables.TryNextRun(doublewords, start, out int offset, out int length); start = offset + length)
                {
                    runs++;
                    found.AddRange(Enumerable.Range(offset, length));
                }

                Assert.Equal(expected, found);
                bool hasNoHole = expected.Count > 0 && expected[^1] - expected[0] + 1 == expected.Count;
                Assert.Equal(hasNoHole, runs == 1);
                if (doublewords == 1 || (enables.First != 0 && enables.Last != 0))
                {
                    Assert.Equal(hasNoHole, enables.IsContiguous(doublewords));
                }
            }
        }
    }

    private static List<int> Enabled(ByteEnables enables, int doublewords)
    {
        List<int> enabled = [];
        for (int offset = 0; offset < doublewords * 4; offset++)
        {
            int mask = offset < 4 ? enables.First : offset >= (doublewords - 1) * 4 ? enables.Last : 0xF;
            if ((mask >> offset % 4 & 1) != 0)
            {
                enabled.Add(offset);
            }
        }

        return enabled;
    }
}
