using PcieOe.FlashEndpoint.Media.Memory;
using Xunit;

namespace PcieOe.FlashEndpoint.Tests.Media;

/// <summary>Addresses are numbers here: nothing is read.</summary>
public sealed unsafe class ReadAheadTests
{
    private const int Block = 4096;
    private const int Line = 64;

    private readonly ReadAhead _ahead = new();

    [Fact]
    public void Take_WhileTheFirstIsRead_GivesWhatFollows()
    {
        Announce(10);
        Announce(20);
        Announce(30);
        Assert.True(Read(10));
        Assert.Equal((20 * Block + 4 * Line, 60), Take(63));
        Assert.Equal((30 * Block + 4 * Line, 60), Take(63));
        Assert.Equal((0, 0), Take(63));
    }

    [Fact]
    public void OnRead_OfWhatIsNext_PassesItOver()
    {
        Announce(10);
        Announce(20);
        Announce(30);
        Assert.True(Read(10));
        Assert.Equal(10, Take(10).Lines);
        Assert.True(Read(20));
        Assert.Equal((30 * Block + 4 * Line, 60), Take(63));
    }

    [Fact]
    public void OnRead_OfAPart_LeavesTheRestOfItToAskFor()
    {
        Announce(10);
        Announce(20);
        Assert.True(_ahead.OnRead((byte*)(10 * Block), 1024));
        Assert.Equal((10 * Block + 1024, 48), Take(63));
        Assert.True(_ahead.OnRead((byte*)(10 * Block + 1024), 3072));
        Assert.Equal((20 * Block + 4 * Line, 60), Take(63));
        Assert.False(_ahead.IsEmpty);
        Assert.True(Read(20));
        Assert.True(_ahead.IsEmpty);
    }

    [Fact]
    public void OnRead_OutOfOrder_ForgetsWhatWasBefore()
    {
        Announce(10);
        Announce(20);
        Announce(30);
        Assert.True(Read(20));
        Assert.Equal((30 * Block + 4 * Line, 60), Take(63));
        Assert.True(Read(30));
        Assert.False(Read(10));
    }

    [Fact]
    public void OnRead_OfWhatNobodyAnnounced_StartsAnew()
    {
        Announce(10);
        Announce(20);
        Assert.False(Read(99));
        Assert.True(_ahead.IsEmpty);
        Assert.Equal((0, 0), Take(63));
        Announce(40);
        Announce(50);
        Assert.True(Read(40));
        Assert.Equal((50 * Block + 4 * Line, 60), Take(63));
    }

    [Fact]
    public void OnRead_OfALongPiece_IsLeftToTheProcessor()
    {
        _ahead.Announce((byte*)(100 * Block), 128 * 1024, skippedLines: 4);
        Assert.False(Read(100));
        _ahead.Announce((byte*)(200 * Block), 32 * 1024, skippedLines: 4);
        Assert.True(Read(200));
    }

    [Fact]
    public void Announce_BeyondTheCapacity_IsForgotten()
    {
        for (int i = 0; i < 1000; i++)
        {
            Announce(10 + i);
        }

        int lines = 0;
        for (int taken = Take(63).Lines; taken > 0; taken = Take(63).Lines)
        {
            lines += taken;
        }

        Assert.Equal(256 * 60, lines);
    }

    [Fact]
    public void ManyRounds_OfAnyOrder_GiveOnlyWhatWasAnnouncedAndNotYetRead()
    {
        var random = new Random(6);
        var waiting = new List<long>();
        long block = 1;
        for (int i = 0; i < 100_000; i++)
        {
            if (waiting.Count < 40 && random.Next(2) == 0)
            {
                Announce(block);
                waiting.Add(block++);
            }
            else if (waiting.Count > 0)
            {
                int which = random.Next(4) == 0 ? random.Next(waiting.Count) : 0;
                Read(waiting[which]);
                waiting.RemoveAt(which);
                (long start, int taken) = Take(63);
                Assert.True(taken == 0 || waiting.Contains(start / Block), $"block {start / Block} in step {i}");
            }
        }
    }

    private void Announce(long block) => _ahead.Announce((byte*)(block * Block), Block, skippedLines: 4);

    private bool Read(long block) => _ahead.OnRead((byte*)(block * Block), Block);

    private (long Start, int Lines) Take(int lines)
    {
        int taken = _ahead.Take(lines, out byte* start);
        return ((long)start, taken);
    }
}
