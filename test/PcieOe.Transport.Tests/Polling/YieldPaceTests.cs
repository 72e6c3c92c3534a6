using PcieOe.Transport.Polling;
using Xunit;

namespace PcieOe.Transport.Tests.Polling;

public sealed class YieldPaceTests
{
    private const long Quick = YieldPace.AloneNanoseconds - 1;

    [Fact]
    public void Yields_NobodyElseRuns_BecomeRarerUpToTheBound()
    {
        YieldPace pace = default;
        long now = 1_000_000;
        Assert.True(pace.IsDue(now));
        for (long pause = YieldPace.ShortestPauseNanoseconds; pause <= 4 * YieldPace.LongestPauseNanoseconds; pause *= 2)
        {
            pace.OnYielded(now, Quick);
            now += Quick + Math.Min(pause, YieldPace.LongestPauseNanoseconds);
            Assert.False(pace.IsDue(now - 1));
            Assert.True(pace.IsDue(now));
        }
    }

    [Fact]
    public void Yield_SomebodyElseRan_NextIsDueAtOnce()
    {
        YieldPace pace = default;
        for (int i = 0; i < 10; i++)
        {
            pace.OnYielded(i, Quick);
        }

        pace.OnYielded(1_000_000, YieldPace.AloneNanoseconds);
        Assert.True(pace.IsDue(1_000_000 + YieldPace.AloneNanoseconds));

        // And when that one finds nobody, the pauses grow from the shortest again.
        pace.OnYielded(2_000_000, Quick);
        Assert.False(pace.IsDue(2_000_000 + Quick));
        Assert.True(pace.IsDue(2_000_000 + Quick + YieldPace.ShortestPauseNanoseconds));
    }

    [Fact]
    public void Yield_CostASlice_NextIsDueAfterAsLong()
    {
        YieldPace pace = default;
        pace.OnYielded(0, YieldPace.SliceNanoseconds);
        Assert.False(pace.IsDue(2 * YieldPace.SliceNanoseconds - 1));
        Assert.True(pace.IsDue(2 * YieldPace.SliceNanoseconds));
        pace.OnYielded(2 * YieldPace.SliceNanoseconds, YieldPace.SliceNanoseconds - 1);
        Assert.True(pace.IsDue(3 * YieldPace.SliceNanoseconds - 1));
    }
}
