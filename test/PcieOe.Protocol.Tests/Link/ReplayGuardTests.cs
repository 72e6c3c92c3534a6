using PcieOe.Protocol.Link;
using Xunit;

namespace PcieOe.Protocol.Tests.Link;

public sealed class ReplayGuardTests
{
    [Fact]
    public void IsFresh_AgainstASetOfAllNumbers_NeverSaysYesTwice()
    {
        var guard = new ReplayGuard();
        var seen = new HashSet<ulong>();
        var random = new Random(3);
        ulong front = 1;
        for (int i = 0; i < 200_000; i++)
        {
            front += (ulong)random.Next(random.Next(1000) == 0 ? 10_000 : 4);
            ulong number = front - Math.Min(front - 1, (ulong)random.Next(6000));
            bool fresh = guard.IsFresh(number);
            if (fresh)
            {
                Assert.True(seen.Add(number));
                guard.Mark(number);
            }
            else
            {
                // Refused though new only where the window has passed: never among the last 2048.
                Assert.True(seen.Contains(number) || guard.Highest - number >= 2048);
            }
        }
    }

    [Fact]
    public void IsFresh_Zero_IsNoNumber() => Assert.False(new ReplayGuard().IsFresh(0));

    [Fact]
    public void IsFresh_OutOfAllProportion_IsNotBelieved()
    {
        var guard = new ReplayGuard();
        guard.Mark(5);
        Assert.True(guard.IsFresh(5 + (1UL << 31) - 1));
        Assert.False(guard.IsFresh(5 + (1UL << 31)));
        Assert.False(guard.IsFresh(ulong.MaxValue));
    }

    [Fact]
    public void Mark_FarAhead_ForgetsNothingItStillCounts()
    {
        var guard = new ReplayGuard();
        for (ulong number = 1; number <= 4096; number++)
        {
            guard.Mark(number);
        }

        guard.Mark(8000);
        Assert.False(guard.IsFresh(4096));
        Assert.False(guard.IsFresh(8000));
        Assert.True(guard.IsFresh(7999));
    }
}
