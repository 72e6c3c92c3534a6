using System.Buffers.Binary;
using System.Numerics;
using PcieOe.Transport.Ports.Impairment;
using Xunit;

namespace PcieOe.Transport.Tests.Ports;

public sealed class ImpairmentQueueTests
{
    private const long Millisecond = 1_000_000;

    [Fact]
    public void NoImpairment_Frames_PassAtOnceUnchanged()
    {
        Run run = Run.Of(new ImpairmentOptions(), 1000);
        Assert.Equal(Enumerable.Range(0, 1000), run.Numbers);
        Assert.All(run.Frames, frame => Assert.Equal(Run.Frame(frame.Number), frame.Bytes));
        Assert.All(run.Frames, frame => Assert.Equal(Run.TimeOf(frame.Number), frame.Time));
    }

    [Fact]
    public void Loss_ThirtyPercent_IsAboutThat()
    {
        Run run = Run.Of(new ImpairmentOptions { LossProbability = 0.3 }, 20_000);
        Assert.InRange(run.Counters.Lost, 5_700, 6_300);
        Assert.Equal(20_000 - run.Counters.Lost, run.Numbers.Count);
        Assert.Equal(run.Numbers.Order(), run.Numbers);
    }

    [Fact]
    public void Loss_InBursts_TakesNeighboursToo()
    {
        Run run = Run.Of(new ImpairmentOptions { LossProbability = 0.01, LossBurstFrames = 9 }, 20_000);
        IEnumerable<int> gaps = run.Numbers.Zip(run.Numbers.Skip(1), (earlier, later) => later - earlier - 1).Where(gap => gap > 0);
        Assert.All(gaps, gap => Assert.True(gap >= 10));
        Assert.InRange(run.Counters.Lost, 1_200, 2_400);
    }

    [Fact]
    public void Duplication_TenPercent_ComesTwice()
    {
        Run run = Run.Of(new ImpairmentOptions { DuplicationProbability = 0.1 }, 20_000);
        Assert.InRange(run.Counters.Duplicated, 1_800, 2_200);
        Assert.Equal(20_000 + run.Counters.Duplicated, run.Numbers.Count);
        Assert.Equal(20_000, run.Numbers.Distinct().Count());
    }

    [Fact]
    public void Reordering_Frames_AreOvertakenByAtMostSoMany()
    {
        Run run = Run.Of(new ImpairmentOptions { ReorderingProbability = 0.1, ReorderingFrames = 64, ReorderingLimitMicroseconds = 1_000_000 }, 20_000);
        Assert.Equal(Enumerable.Range(0, 20_000), run.Numbers.Order());
        int furthest = 0;
        int highest = -1;
        foreach (int number in run.Numbers)
        {
            furthest = Math.Max(furthest, highest - number);
            highest = Math.Max(highest, number);
        }

        Assert.InRange(furthest, 40, 200);
        Assert.InRange(run.Counters.Reordered, 1_800, 2_200);
    }

    [Fact]
    public void Reordering_NobodyOvertakes_GoesOnAfterTheLimit()
    {
        using ImpairmentQueue queue = new(new ImpairmentOptions { ReorderingProbability = 1, ReorderingLimitMicroseconds = 2_000 }, 1500);
        queue.Offer(Run.Frame(0), default, 0, 0, 0);
        Assert.Equal(2 * Millisecond, queue.NextDeadline);
        Assert.False(queue.TryTake(2 * Millisecond - 1, out _));
        Assert.True(queue.TryTake(2 * Millisecond, out ImpairedFrame frame));
        queue.Release(frame);
        Assert.Equal(long.MaxValue, queue.NextDeadline);
    }

    [Fact]
    public void Corruption_DetectedByCrc32C_ChangesFewBitsAndNoHeader()
    {
        Run run = Run.Of(new ImpairmentOptions { CorruptionProbability = 1 }, 5_000);
        int bursts = 0;
        for (int number = 0; number < run.Frames.Count; number++)
        {
            byte[] original = Run.Frame(number);
            byte[] changed = run.Frames[number].Bytes;
            Assert.Equal(original.AsSpan(0, 14), changed.AsSpan(0, 14));
            List<int> bits = [];
            for (int bit = 0; bit < original.Length * 8; bit++)
            {
                if (((original[bit / 8] ^ changed[bit / 8]) >> bit % 8 & 1) != 0)
                {
                    bits.Add(bit);
                }
            }

            Assert.NotEmpty(bits);
            Assert.True(bits.Count <= 3 || bits[^1] - bits[0] < 32, $"{bits.Count} bits over {bits[^1] - bits[0] + 1}");
            bursts += bits.Count > 3 ? 1 : 0;
        }

        Assert.InRange(bursts, 1_000, 4_000);
    }

    [Fact]
    public void Corruption_Crc32C_DetectsEachOne()
    {
        Run run = Run.Of(new ImpairmentOptions { CorruptionProbability = 1 }, 5_000);
        for (int number = 0; number < run.Frames.Count; number++)
        {
            Assert.NotEqual(Crc(Run.Frame(number)), Crc(run.Frames[number].Bytes));
        }

        static uint Crc(byte[] bytes) => bytes.Aggregate(uint.MaxValue, (crc, value) => BitOperations.Crc32C(crc, value));
    }

    [Fact]
    public void Corruption_Arbitrary_ChangesFramesOfEveryLength()
    {
        using ImpairmentQueue queue = new(new ImpairmentOptions { CorruptionProbability = 1, Corruption = CorruptionKind.Arbitrary }, 1500);
        for (int length = 15; length < 400; length++)
        {
            byte[] original = new byte[length];
            queue.Offer(original, default, 0, 0, length);
            Assert.True(queue.TryTake(length, out ImpairedFrame frame));
            unsafe
            {
                Assert.False(new ReadOnlySpan<byte>(frame.Data, frame.Length).SequenceEqual(original));
            }

            queue.Release(frame);
        }
    }

    [Fact]
    public void DelayAndJitter_Frames_ComeLateAndInOrder()
    {
        Run run = Run.Of(new ImpairmentOptions { DelayMicroseconds = 500, JitterMicroseconds = 300 }, 5_000);
        Assert.Equal(Enumerable.Range(0, 5_000), run.Numbers);
        Assert.All(run.Frames, frame => Assert.InRange(frame.Time - Run.TimeOf(frame.Number), 500_000, 800_000));
        Assert.True(run.Frames.Select(frame => frame.Time - Run.TimeOf(frame.Number)).Distinct().Count() > 1_000);
    }

    [Fact]
    public void Rate_MoreThanTheLineCarries_IsPacedThenLost()
    {
        // 120 bytes a frame every 10 us are 96 Mb/s offered to a line of 48 Mb/s.
        Run run = Run.Of(new ImpairmentOptions { BitsPerSecond = 48e6, QueueBytes = 12_000 }, 5_000);
        long first = run.Frames[500].Time;
        long last = run.Frames[^500].Time;
        Assert.Equal(20_000.0, (last - first) / (double)(run.Frames.Count - 1_000), 0.01 * 20_000);
        Assert.InRange(run.Counters.Overflowed, 2_300, 2_500);
    }

    [Fact]
    public void Cuts_LoseEverythingWhileTheyLast()
    {
        Run run = Run.Of(new ImpairmentOptions { CutEveryMilliseconds = 10, CutForMilliseconds = 3 }, 5_000);
        Assert.All(run.Frames, frame => Assert.True((frame.Time - Run.TimeOf(0)) % (10 * Millisecond) < 7 * Millisecond));
        Assert.Equal(1_500, run.Counters.Cut);
    }

    [Fact]
    public void EverythingAtOnce_SameSeed_IsTheSame_AnotherSeedIsNot()
    {
        ImpairmentOptions all = new()
        {
            LossProbability = 0.1,
            DuplicationProbability = 0.1,
            ReorderingProbability = 0.1,
            CorruptionProbability = 0.1,
            DelayMicroseconds = 50,
            JitterMicroseconds = 50,
            BitsPerSecond = 1e9,
        };
        Run first = Run.Of(all, 5_000);
        Run second = Run.Of(all, 5_000);
        Run other = Run.Of(all with { Seed = 2 }, 5_000);
        Assert.Equal(first.Frames.Select(frame => frame.Time), second.Frames.Select(frame => frame.Time));
        Assert.Equal(first.Frames.SelectMany(frame => frame.Bytes), second.Frames.SelectMany(frame => frame.Bytes));
        Assert.NotEqual(first.Numbers, other.Numbers);
        Assert.Equal(first.Counters.Offered + first.Counters.Duplicated, first.Counters.Lost + first.Counters.Overflowed + first.Counters.Delivered);
    }

    [Fact]
    public void Overflow_NothingTaken_LosesTheRestAndAllocatesNothing()
    {
        using ImpairmentQueue queue = new(new ImpairmentOptions { MaximumFrames = 100, ReorderingProbability = 0.2, DuplicationProbability = 0.5 }, 1500);
        byte[] frame = Run.Frame(1);
        Fill();
        long before = GC.GetAllocatedBytesForCurrentThread();
        Fill();
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.True(queue.Counters.Overflowed > 1_000);
        Assert.Equal(queue.Counters.Offered + queue.Counters.Duplicated, queue.Counters.Overflowed + queue.Counters.Delivered);

        void Fill()
        {
            for (int i = 0; i < 1_000; i++)
            {
                queue.Offer(frame, default, 0, 0, i);
            }

            while (queue.TryTake(long.MaxValue - 1, out ImpairedFrame taken))
            {
                queue.Release(taken);
            }
        }
    }

    /// <summary>Frames, numbered, offered every 10 us of virtual time, and what came out.</summary>
    private sealed class Run
    {
        private const long Interval = 10_000;

        public List<(int Number, byte[] Bytes, long Time)> Frames { get; } = [];

        public List<int> Numbers => [.. Frames.Select(frame => frame.Number)];

        public ImpairmentCounters Counters { get; private set; }

        public static long TimeOf(int number) => Millisecond + number * Interval;

        public static byte[] Frame(int number)
        {
            byte[] frame = new byte[120];
            BinaryPrimitives.WriteInt32LittleEndian(frame, number);
            for (int i = 4; i < frame.Length; i++)
            {
                frame[i] = (byte)(number + i);
            }

            return frame;
        }

        public static Run Of(ImpairmentOptions options, int count)
        {
            Run run = new();
            using ImpairmentQueue queue = new(options, 1500);
            for (int number = 0; number < count; number++)
            {
                byte[] frame = Frame(number);
                queue.Offer(frame.AsSpan(0, 20), frame.AsSpan(20), 0, 0, TimeOf(number));
                run.Take(queue, TimeOf(number + 1));
            }

            run.Take(queue, long.MaxValue - 1);
            run.Counters = queue.Counters;
            return run;
        }

        /// <summary>Takes, at the very moment when it is due, each frame that is due before a time.</summary>
        private unsafe void Take(ImpairmentQueue queue, long end)
        {
            for (long due = queue.NextDeadline; due < end; due = queue.NextDeadline)
            {
                Assert.True(queue.TryTake(due, out ImpairedFrame frame));
                byte[] bytes = new ReadOnlySpan<byte>(frame.Data, frame.Length).ToArray();
                Frames.Add((BinaryPrimitives.ReadInt32LittleEndian(bytes), bytes, due));
                queue.Release(frame);
            }
        }
    }
}
