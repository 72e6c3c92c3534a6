using PcieOe.Protocol.Clocks;
using Xunit;

namespace PcieOe.Protocol.Tests.Sessions;

public sealed class SessionClockTests
{
    [Fact]
    public void Session_ComparesClocksByItself()
    {
        using var lab = new SessionLab(keyed: true);
        HostStation host = lab.Connect("alpha");
        lab.Segment.RunMilliseconds(10_000);
        Assert.True(host.Session.Clock.TryEstimate(lab.Segment.Now, out ClockOffset offset));

        // Both sides read the segment's clock, and a frame takes 10 us each way.
        Assert.InRange(Math.Abs(offset.OffsetNanoseconds), 0, offset.ErrorNanoseconds);
        Assert.InRange(offset.ErrorNanoseconds, 10_000, 14_000);
        Assert.Equal(20_000, offset.MinimumRoundTripNanoseconds);
    }

    [Fact]
    public void Target_Restarts_OldExchangesAreForgotten()
    {
        using var lab = new SessionLab(keyed: true);
        HostStation host = lab.Connect("alpha");
        lab.Segment.RunMilliseconds(5000);
        lab.RestartTarget();
        Assert.True(lab.Segment.RunUntil(() => host.Events[^1] == "established Replaced"));
        Assert.False(host.Session.Clock.TryEstimate(lab.Segment.Now, out _));
        lab.Segment.RunMilliseconds(50);
        Assert.True(host.Session.Clock.TryEstimate(lab.Segment.Now, out _));
    }
}
