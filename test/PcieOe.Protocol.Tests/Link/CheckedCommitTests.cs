using PcieOe.Protocol.Frames;
using PcieOe.Protocol.Link;
using Xunit;

namespace PcieOe.Protocol.Tests.Link;

/// <summary>TLPs whose data comes with its CRC-32C register, beside such without.</summary>
public sealed class CheckedCommitTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Commit_WithAndWithoutRegister_TheFrameIsAcceptedAndWhole(bool keyed)
    {
        using var pair = new LinkPair(keyed: keyed);
        Assert.Equal(!keyed, pair.A.Engine.ChecksContent);
        var random = new Random(3);
        for (int round = 0; round < 200; round++)
        {
            var expected = new List<byte>();
            for (int i = random.Next(1, 6); i > 0; i--)
            {
                int data = 4 * random.Next(0, 360), header = 4 * random.Next(3, 5);
                expected.AddRange(Put(pair.A.Engine, random, header, data, random.Next(3) != 0));
            }

            pair.Exchange();
            Assert.Equal(expected, pair.B.Delivered.SelectMany(tlps => tlps));
            pair.B.Delivered.Clear();
        }
    }

    [Fact]
    public void Frame_SentAgain_IsAcceptedAsWell()
    {
        using var pair = new LinkPair();
        byte[] tlp = Put(pair.A.Engine, new Random(4), 16, 4096, withRegister: true);
        Assert.Single(pair.A.Collect(pair.Now));
        while (pair.B.Delivered.Count == 0)
        {
            pair.PassToNextDeadline();
            pair.Carry(pair.A, pair.B);
        }

        Assert.Equal(tlp, Assert.Single(pair.B.Delivered));
    }

    [Fact]
    public void Commit_WithAWrongRegister_TheFrameIsDropped()
    {
        using var pair = new LinkPair();
        pair.A.Engine.Reserve(80).Fill(7);
        pair.A.Engine.Commit(80, 64, 1);
        Assert.Equal(FrameVerdict.CheckFailed, pair.B.Engine.OnFrame(Assert.Single(pair.A.Collect(pair.Now)), pair.Now));
    }

    [Theory]
    [InlineData(-4)]
    [InlineData(6)]
    [InlineData(84)]
    public void Commit_OfImpossibleData_IsTheCallersMistake(int dataBytes)
    {
        using var pair = new LinkPair();
        pair.A.Engine.Reserve(80).Fill(7);
        Assert.Throws<ArgumentOutOfRangeException>(() => pair.A.Engine.Commit(80, dataBytes, 0));
    }

    private static byte[] Put(LinkEngine engine, Random random, int header, int data, bool withRegister)
    {
        Span<byte> room = engine.Reserve(header + data);
        random.NextBytes(room);
        if (withRegister)
        {
            engine.Commit(room.Length, data, Crc32C.Append(0, room[header..]));
        }
        else
        {
            engine.Commit(room.Length);
        }

        return room.ToArray();
    }
}
