using PcieOe.Protocol.Frames;
using Xunit;

namespace PcieOe.Protocol.Tests.Frames;

public sealed unsafe class CheckedCopyTests
{
    private const int LongestBytes = 9216;

    [Fact]
    public void Copy_EveryShortLengthAndSomeLong_CopiesThatMuchAndReturnsItsRegister()
    {
        var source = new byte[LongestBytes + 64];
        new Random(1).NextBytes(source);
        foreach (int length in Enumerable.Range(0, 700).Concat([1360, 4080, 4096, 4097, 8944, 9215, LongestBytes]))
        {
            AssertCopies(source, length % 13, length, aheadLines: length % 70);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(60)]
    [InlineData(64)]
    [InlineData(int.MaxValue - 2)]
    public void Copy_AskingForMemoryThatIsNotThere_ReadsNoneOfIt(int aheadLines)
    {
        var source = new byte[4096];
        new Random(2).NextBytes(source);
        AssertCopies(source, 0, source.Length, aheadLines);
    }

    [Fact]
    public void LinesBeside_OneBlock_AreNearlyAsManyAsItHas() =>
        Assert.Contains(CheckedCopy.LinesBeside(4096), new[] { 0, 63 });

    private static void AssertCopies(byte[] source, int offset, int length, int aheadLines)
    {
        var copy = new byte[length + 2];
        Array.Fill(copy, (byte)0xA5);
        uint register;
        fixed (byte* from = source)
        fixed (byte* to = copy)
        {
            register = CheckedCopy.Copy(from + offset, to + 1, length, ahead: null, aheadLines);
        }

        ReadOnlySpan<byte> expected = source.AsSpan(offset, length);
        Assert.True(expected.SequenceEqual(copy.AsSpan(1, length)), $"length {length}");
        Assert.Equal(Crc32C.Append(0, expected), register);
        Assert.Equal(0xA5, copy[0]);
        Assert.Equal(0xA5, copy[^1]);
    }
}
