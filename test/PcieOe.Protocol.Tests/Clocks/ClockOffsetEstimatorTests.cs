using PcieOe.Protocol.Clocks;
using Xunit;

namespace PcieOe.Protocol.Tests.Clocks;

/// <summary>Exchanges between two clocks whose true relation the test knows.</summary>
public sealed class ClockOffsetEstimatorTests
{
    private const long Second = 1_000_000_000;

    public static TheoryData<double, double, double, int> Paths() => new()
    {
        // Microseconds there, microseconds back, mean of the random part of each, drift in parts per billion.
        { 2, 2, 0, 0 },
        { 2, 2, 5, 20_000 },
        { 2, 50, 5, -20_000 },
        { 80, 1, 30, 100_000 },
        { 5, 5, 500, 5_000 },
        { 1, 300, 0, -300_000 },
        { 100, 100, 1000, 0 },
    };

    [Theory]
    [MemberData(nameof(Paths))]
    public void Truth_LiesAlwaysWithinTheBound_AndTheBoundIsNarrow(double there, double back, double jitter, int drift)
    {
        for (int seed = 0; seed < 20; seed++)
        {
            var clock = new PeerClock(offset: seed % 2 == 0 ? 5_000_000_000_000 : -7_000_000_123, drift);
            var path = new Path(seed, there, back, jitter);
            var estimator = new ClockOffsetEstimator();
            long now = Second;
            for (int i = 0; i < 600; i++)
            {
                now = path.Exchange(estimator, clock, now) + 200_000_000;
                foreach (long later in (long[])[0, Second / 2, 2 * Second])
                {
                    AssertHolds(estimator, clock, now + later);
                }
            }

            Assert.Equal(0, estimator.Restarts);
            Assert.Equal(0, estimator.Implausible);
            Assert.True(estimator.TryEstimate(now, out ClockOffset offset));

            // Half the least round trip (that the path alone would need), the luck of the random part, and what may have drifted.
            double least = (there + back) / 2 * 1000;
            Assert.InRange(offset.ErrorNanoseconds, 1, (least * 1.1) + (jitter * 1000 / 2) + 3000);
            Assert.InRange(offset.MinimumRoundTripNanoseconds, 2 * least, (2 * least) + (jitter * 1000));
            Assert.InRange(offset.DriftPartsPerBillion, drift - 20_000, drift + 20_000);
        }
    }

    [Fact]
    public void Asymmetry_Grows_TheBoundDoesToo()
    {
        long previous = 0;
        foreach (double back in (double[])[2, 20, 200, 2000])
        {
            var clock = new PeerClock(12345, drift: 0);
            var path = new Path(1, 2, back, 0);
            var estimator = new ClockOffsetEstimator();
            long now = Second;
            for (int i = 0; i < 100; i++)
            {
                now = path.Exchange(estimator, clock, now) + 200_000_000;
            }

            Assert.True(estimator.TryEstimate(now, out ClockOffset offset));
            Assert.True(offset.ErrorNanoseconds > 3 * previous);
            Assert.True(offset.ErrorNanoseconds * 1.01 >= Math.Abs(offset.OffsetNanoseconds - clock.OffsetAt(now)));
            previous = offset.ErrorNanoseconds;
        }
    }

    [Fact]
    public void Silence_Lasts_TheBoundWidens()
    {
        var clock = new PeerClock(99, drift: 30_000);
        var path = new Path(1, 5, 5, 1);
        var estimator = new ClockOffsetEstimator();
        long now = Second;
        for (int i = 0; i < 100; i++)
        {
            now = path.Exchange(estimator, clock, now) + 200_000_000;
        }

        long previous = 0;
        for (int seconds = 0; seconds < 1000; seconds += 100)
        {
            AssertHolds(estimator, clock, now + seconds * Second);
            Assert.True(estimator.TryEstimate(now + seconds * Second, out ClockOffset offset));
            Assert.True(offset.ErrorNanoseconds > previous);
            previous = offset.ErrorNanoseconds;
        }
    }

    [Theory]
    [InlineData(1_000_000, 0)]
    [InlineData(-3_600_000_000_000, 0)]
    [InlineData(0, 400_000)]
    public void Clock_StepsOrChangesPace_OldFactsAreForgottenAndTheTruthIsFoundAgain(long step, int newDrift)
    {
        var clock = new PeerClock(1000, drift: 0);
        var path = new Path(3, 5, 5, 3);
        var estimator = new ClockOffsetEstimator();
        long now = Second;
        for (int i = 0; i < 300; i++)
        {
            now = path.Exchange(estimator, clock, now) + 200_000_000;
        }

        clock = new PeerClock(clock.OffsetAt(now) + step, newDrift, from: now);
        for (int i = 0; i < 300; i++)
        {
            now = path.Exchange(estimator, clock, now) + 200_000_000;
        }

        Assert.True(estimator.Restarts > 0);
        AssertHolds(estimator, clock, now);
    }

    [Fact]
    public void Exchange_ThatContradictsItself_IsIgnored()
    {
        var estimator = new ClockOffsetEstimator();
        estimator.Add(asked: 100, askReceived: 1000, answered: 1200, answerReceived: 200);
        estimator.Add(asked: 300, askReceived: 1000, answered: 1000, answerReceived: 200);
        estimator.Add(asked: 100, askReceived: 1000, answered: 900, answerReceived: 200);
        estimator.Add(asked: 0, askReceived: 1000, answered: 1000, answerReceived: 11 * Second);
        estimator.Add(asked: 100, askReceived: long.MinValue, answered: long.MaxValue, answerReceived: 200);
        Assert.Equal(5, estimator.Implausible);
        Assert.False(estimator.TryEstimate(300, out _));

        estimator.Add(asked: 100, askReceived: 1100, answered: 1100, answerReceived: 200);
        Assert.True(estimator.TryEstimate(200, out ClockOffset offset));
        Assert.Equal(950, offset.OffsetNanoseconds);
        Assert.InRange(offset.ErrorNanoseconds, 50, 52);
        estimator.Reset();
        Assert.False(estimator.TryEstimate(300, out _));
    }

    [Fact]
    public void ArbitraryInstants_NeverThrow()
    {
        var random = new Random(9);
        var estimator = new ClockOffsetEstimator();
        for (int i = 0; i < 100_000; i++)
        {
            estimator.Add(Instant(), Instant(), Instant(), Instant());
            estimator.TryEstimate(Instant(), out _);
        }

        long Instant() => random.Next(3) switch { 0 => random.NextInt64(long.MinValue, long.MaxValue), 1 => random.Next(1000), _ => random.NextInt64(10 * Second) };
    }

    [Fact]
    public void Exchange_AllocatesNothing()
    {
        var clock = new PeerClock(1000, drift: 0);
        var path = new Path(3, 5, 5, 3);
        var estimator = new ClockOffsetEstimator();
        long now = path.Exchange(estimator, clock, Second);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 100; i++)
        {
            now = path.Exchange(estimator, clock, now) + 400_000_000;
            estimator.TryEstimate(now, out _);
        }

        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    private static void AssertHolds(ClockOffsetEstimator estimator, PeerClock clock, long now)
    {
        Assert.True(estimator.TryEstimate(now, out ClockOffset offset));
        long truth = clock.OffsetAt(now);
        Assert.True(Math.Abs(offset.OffsetNanoseconds - truth) <= offset.ErrorNanoseconds, $"{offset} while the truth is {truth}");
    }

    private sealed class PeerClock(long offset, int drift, long from = 0)
    {
        public long OffsetAt(long own) => offset + (long)((own - from) * (drift / 1e9));

        public long At(long own) => own + OffsetAt(own);
    }

    private sealed class Path(int seed, double there, double back, double jitter)
    {
        private readonly Random _random = new(seed);

        /// <summary>One exchange; returns when its answer came.</summary>
        public long Exchange(ClockOffsetEstimator estimator, PeerClock peer, long asked)
        {
            long askReceived = asked + Delay(there);
            long answered = askReceived + _random.Next(5000);
            long answerReceived = answered + Delay(back);
            estimator.Add(asked, peer.At(askReceived), peer.At(answered), answerReceived);
            return answerReceived;
        }

        private long Delay(double microseconds) => (long)(1000 * (microseconds - jitter * Math.Log(1 - _random.NextDouble())));
    }
}
