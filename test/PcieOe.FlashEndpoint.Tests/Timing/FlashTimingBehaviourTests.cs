using PcieOe.FlashEndpoint.Timing;
using Xunit;

namespace PcieOe.FlashEndpoint.Tests.Timing;

public class FlashTimingBehaviourTests
{
    private const long Page = 4096;

    private static FlashParameters Slc => FlashProfiles.Slc2011;

    [Fact]
    public void Schedule_SameSeed_GivesSameTimes()
    {
        long[] one = Times(7);
        long[] two = Times(7);
        long[] other = Times(8);

        Assert.Equal(one, two);
        Assert.NotEqual(one, other);

        static long[] Times(ulong seed)
        {
            var timing = new FlashTiming(Slc with { ReadRetriesPerMillion = 1000, ReadRetryNanoseconds = 100_000, Seed = seed });
            var random = new Random(1);
            var done = new long[2000];
            for (int i = 0; i < done.Length; i++)
            {
                var operation = (FlashOperation)random.Next(5);
                timing.Schedule(operation, random.Next(1 << 20) * 512L, 512L * random.Next(1, 64), i * 1000L, out FlashTimes times);
                done[i] = times.DoneNanoseconds;
            }

            return done;
        }
    }

    [Fact]
    public void IdleReads_WithJitter_SpreadAroundTheCellTimeAndStayWithinIt()
    {
        var timing = new FlashTiming(Slc with { CellJitterPercent = 10 });
        double sum = 0;
        long minimum = long.MaxValue, maximum = 0;
        const int Count = 10_000;
        for (int i = 0; i < Count; i++)
        {
            timing.Schedule(FlashOperation.Read, i * Page, Page, i * 1_000_000L, out FlashTimes times);
            sum += times.CellNanoseconds;
            minimum = Math.Min(minimum, times.CellNanoseconds);
            maximum = Math.Max(maximum, times.CellNanoseconds);
        }

        Assert.InRange(sum / Count, 24_950, 25_050);
        Assert.InRange(minimum, 22_500, 22_700);
        Assert.InRange(maximum, 27_300, 27_500);
    }

    [Fact]
    public void Reads_WithRetries_TakeLongerAtTheGivenRate()
    {
        var timing = new FlashTiming(Slc with { CellJitterPercent = 0, ReadRetriesPerMillion = 10_000, ReadRetryNanoseconds = 80_000 });
        int retried = 0;
        for (int i = 0; i < 100_000; i++)
        {
            timing.Schedule(FlashOperation.Read, i * Page, Page, i * 1_000_000L, out FlashTimes times);
            Assert.True(times.CellNanoseconds is 25_000 or 105_000);
            retried += times.CellNanoseconds == 105_000 ? 1 : 0;
        }

        Assert.InRange(retried, 900, 1100);
    }

    [Theory]
    [InlineData("slc-2011", 46_980)]
    [InlineData("tlc", 65_420)]
    [InlineData("low-latency", 11_820)]
    public void IdleRead_OfProfile_TakesWhatTheDocumentationSays(string name, long expected)
    {
        Assert.True(FlashProfiles.TryGet(name, out FlashParameters? parameters));
        var timing = new FlashTiming(parameters! with { CellJitterPercent = 0, ReadRetriesPerMillion = 0 });

        timing.Schedule(FlashOperation.Read, 0, Page, 0, out FlashTimes times);

        Assert.Equal(expected, times.DoneNanoseconds);
    }

    [Fact]
    public void RandomReads_ManyOutstanding_AreLimitedByTheFirmware()
    {
        // 2.8 us of firmware for each command: 357,142 commands a second.
        Assert.InRange(ReadsPerSecond(Slc with { CellJitterPercent = 0 }, outstanding: 256), 340_000, 357_143);
    }

    [Fact]
    public void RandomReads_OnlyOneChannel_AreLimitedByItsBus()
    {
        // 20.98 us on the bus for each page: 47,664 pages a second; eight dies could read 170,000.
        Assert.InRange(ReadsPerSecond(Slc with { CellJitterPercent = 0, Channels = 1 }, outstanding: 64), 45_000, 47_665);
    }

    [Fact]
    public void RandomReads_OnlyOneDie_AreLimitedByIt()
    {
        // 25 us in the cells and 20.98 us until the register is empty: 21,748 pages a second.
        Assert.InRange(ReadsPerSecond(Slc with { CellJitterPercent = 0, Channels = 1, DiesPerChannel = 1 }, outstanding: 16), 21_700, 21_749);
    }

    [Fact]
    public void Reconfigure_CellTime_AppliesToTheNextCommandAndKeepsWhatIsBooked()
    {
        var timing = new FlashTiming(Slc with { CellJitterPercent = 0 });
        timing.Schedule(FlashOperation.Read, 0, Page, 0, out FlashTimes first);

        timing.Reconfigure(timing.Parameters with { ReadLsbNanoseconds = 50_000, FirmwareOccupancyNanoseconds = 0 });
        timing.Schedule(FlashOperation.Read, 64 * Page, Page, 0, out FlashTimes second);

        Assert.Equal(50_000, timing.Parameters.ReadLsbNanoseconds);
        Assert.Equal(50_000, second.CellNanoseconds);
        Assert.Equal(first.DoneNanoseconds + 50_000 + 20_980, second.DoneNanoseconds);
    }

    [Fact]
    public void Reconfigure_Geometry_StartsIdle()
    {
        var timing = new FlashTiming(Slc with { CellJitterPercent = 0 });
        timing.Schedule(FlashOperation.Read, 0, Page, 0, out FlashTimes first);

        timing.Reconfigure(timing.Parameters with { Channels = 4 });
        timing.Schedule(FlashOperation.Read, 0, Page, 0, out FlashTimes second);

        Assert.Equal(first.DoneNanoseconds, second.DoneNanoseconds);
    }

    [Fact]
    public void Parameters_Senseless_AreRefusedWithEveryMistake()
    {
        FlashParameters bad = Slc with { Channels = 0, PageBytes = 1000, ReadLsbNanoseconds = -1, WriteBufferBytes = 100, CellJitterPercent = 101, BitsPerCell = 4 };
        var mistakes = new List<string>();

        bad.Validate(mistakes);

        Assert.Equal(6, mistakes.Count);
        foreach (string name in new[] { "Channels", "PageBytes", "ReadLsbNanoseconds", "WriteBufferBytes", "CellJitterPercent", "BitsPerCell" })
        {
            Assert.Contains(mistakes, mistake => mistake.StartsWith(name, StringComparison.Ordinal));
        }

        Assert.Throws<ArgumentException>(() => new FlashTiming(bad));
        var timing = new FlashTiming(Slc);
        Assert.Throws<ArgumentException>(() => timing.Reconfigure(bad));
        Assert.Same(Slc, timing.Parameters);
    }

    [Fact]
    public void Profiles_AllNames_AreFoundAndMakeSense()
    {
        foreach (string name in FlashProfiles.Names)
        {
            Assert.True(FlashProfiles.TryGet(name, out FlashParameters? parameters));
            var mistakes = new List<string>();
            parameters?.Validate(mistakes);
            Assert.Empty(mistakes);
            Assert.Equal(name == FlashProfiles.None, parameters is null);
        }

        Assert.False(FlashProfiles.TryGet("qlc-2050", out _));
    }

    [Theory]
    [InlineData("slc-2011")]
    [InlineData("tlc")]
    [InlineData("low-latency")]
    public void Schedule_RandomCommands_NeverAllocatesAndPartsAddUp(string name)
    {
        FlashProfiles.TryGet(name, out FlashParameters? parameters);
        var timing = new FlashTiming(parameters! with { WriteBufferBytes = parameters!.ProgramUnitBytes * 3, WriteBufferIsPowerProtected = false });
        var random = new Random(5);
        long allocated = 0;
        long now = 0;
        for (int i = 0; i < 50_000; i++)
        {
            var operation = (FlashOperation)random.Next(5);
            long offset = random.NextInt64(1L << 40) & ~511L;
            long bytes = 512L * random.Next(1, 256);
            long before = GC.GetAllocatedBytesForCurrentThread();
            timing.Schedule(operation, offset, bytes, now, out FlashTimes times);
            allocated += GC.GetAllocatedBytesForCurrentThread() - before;
            Assert.Equal(times.DoneNanoseconds - now, times.QueueNanoseconds + times.CellNanoseconds + times.TransferNanoseconds);
            Assert.True(times.QueueNanoseconds >= 0 && times.CellNanoseconds >= 0 && times.TransferNanoseconds >= 0);
            now += random.Next(20_000);
        }

        Assert.Equal(0, allocated);
    }

    /// <summary>Closed loop: each read that is done starts another at a random page. Virtual time of one second.</summary>
    private static double ReadsPerSecond(FlashParameters parameters, int outstanding)
    {
        var timing = new FlashTiming(parameters);
        var random = new Random(3);
        var running = new PriorityQueue<int, long>();
        for (int i = 0; i < outstanding; i++)
        {
            running.Enqueue(i, 0);
        }

        int reads = 0;
        while (running.TryDequeue(out int slot, out long now) && now < 1_000_000_000)
        {
            timing.Schedule(FlashOperation.Read, random.Next(1 << 20) * Page, Page, now, out FlashTimes times);
            running.Enqueue(slot, times.DoneNanoseconds);
            reads++;
        }

        return reads - outstanding;
    }
}
