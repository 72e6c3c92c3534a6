using PcieOe.FlashEndpoint.Timing;
using Xunit;

namespace PcieOe.FlashEndpoint.Tests.Timing;

public class ChannelScheduleTests
{
    [Fact]
    public void Reserve_RandomTransfers_TakeTheFirstGapOfAPlainModel()
    {
        var random = new Random(11);
        for (int round = 0; round < 200; round++)
        {
            var schedule = new ChannelSchedule();
            var taken = new List<(long Start, long End)>();
            long now = 0;
            for (int i = 0; i < 100; i++)
            {
                now += random.Next(30);
                long earliest = now + random.Next(400);
                long duration = random.Next(1, 20);

                long start = schedule.Reserve(earliest, duration, now);

                Assert.Equal(FirstGap(taken, earliest, duration), start);
                taken.Add((start, start + duration));
                taken.Sort();
            }
        }
    }

    [Fact]
    public void Reserve_MoreIntervalsThanKept_NeverBooksTwice()
    {
        var random = new Random(12);
        var schedule = new ChannelSchedule();
        var taken = new List<(long Start, long End)>();
        for (int i = 0; i < 4 * ChannelSchedule.Capacity; i++)
        {
            long earliest = random.Next(100_000);
            long start = schedule.Reserve(earliest, 10, now: 0);
            Assert.True(start >= earliest);
            taken.Add((start, start + 10));
        }

        taken.Sort();
        for (int i = 1; i < taken.Count; i++)
        {
            Assert.True(taken[i - 1].End <= taken[i].Start);
        }
    }

    private static long FirstGap(List<(long Start, long End)> taken, long earliest, long duration)
    {
        long start = earliest;
        foreach ((long takenStart, long takenEnd) in taken)
        {
            if (takenEnd > start && takenStart < start + duration)
            {
                start = takenEnd;
            }
        }

        return start;
    }
}
