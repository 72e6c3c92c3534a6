using PcieOe.Protocol.Tlp;
using Xunit;

namespace PcieOe.Protocol.Tests.Tlp;

public sealed class TagPoolTests
{
    [Theory]
    [InlineData(5, 0, 32)]
    [InlineData(8, 0, 256)]
    [InlineData(10, 256, 768)]
    public void TryAllocate_UntilEmpty_EveryTagOnce(int bits, int first, int count)
    {
        TagPool pool = new(bits, 1000);
        Assert.Equal(count, pool.Capacity);
        Assert.Equal(first + count, pool.TagLimit);
        List<int> tags = [];
        while (pool.TryAllocate(out ushort tag))
        {
            tags.Add(tag);
        }

        Assert.Equal(Enumerable.Range(first, count), tags);
        Assert.Equal(count, pool.InUseCount);
        Assert.Equal(0, pool.FreeCount);
    }

    [Fact]
    public void Release_OfOneTag_IsReusedLast()
    {
        TagPool pool = new(5, 1000);
        Assert.True(pool.TryAllocate(out ushort first));
        pool.Release(first);
        for (int count = 0; count < pool.Capacity - 1; count++)
        {
            Assert.True(pool.TryAllocate(out ushort tag));
            Assert.NotEqual(first, tag);
        }

        Assert.True(pool.TryAllocate(out ushort last));
        Assert.Equal(first, last);
    }

    [Fact]
    public void Quarantine_UntilItsEnd_NotReused()
    {
        TagPool pool = new(5, 1000);
        ushort[] tags = new ushort[32];
        for (int index = 0; index < tags.Length; index++)
        {
            Assert.True(pool.TryAllocate(out tags[index]));
        }

        Assert.Equal(long.MaxValue, pool.NextDeadline);
        pool.Quarantine(tags[3], now: 500);
        pool.Quarantine(tags[1], now: 600);
        Assert.True(pool.IsQuarantined(tags[3]));
        Assert.False(pool.IsInUse(tags[3]));
        Assert.Equal(1500, pool.NextDeadline);
        pool.OnTimer(1499);
        Assert.False(pool.TryAllocate(out _));
        pool.OnTimer(1500);
        Assert.True(pool.TryAllocate(out ushort tag));
        Assert.Equal(tags[3], tag);
        Assert.False(pool.TryAllocate(out _));
        Assert.Equal(1600, pool.NextDeadline);
        pool.OnTimer(5000);
        Assert.True(pool.TryAllocate(out tag));
        Assert.Equal(tags[1], tag);
    }

    [Fact]
    public void Release_OfATagNotInUse_IsAProgrammersMistake()
    {
        TagPool pool = new(10, 1000);
        Assert.Throws<InvalidOperationException>(() => pool.Release(300));
        Assert.Throws<InvalidOperationException>(() => pool.Release(5));
        Assert.Throws<InvalidOperationException>(() => pool.Quarantine(5000, 0));
        Assert.True(pool.TryAllocate(out ushort tag));
        pool.Quarantine(tag, 0);
        Assert.Throws<InvalidOperationException>(() => pool.Release(tag));
        Assert.Throws<ArgumentOutOfRangeException>(() => new TagPool(9, 0));
    }

    [Fact]
    public void AnySequence_AgainstAModel_NeverReusesEarly()
    {
        const long QuarantineNanoseconds = 50;
        Random random = new(11);
        TagPool pool = new(5, QuarantineNanoseconds);
        HashSet<ushort> inUse = [];
        Dictionary<ushort, long> resting = [];
        int refusals = 0;
        for (long now = 0; now < 100_000; now++)
        {
            pool.OnTimer(now);
            switch (random.Next(5))
            {
                case 0 or 1 or 2:
                    if (pool.TryAllocate(out ushort tag))
                    {
                        Assert.True(inUse.Add(tag));
                        Assert.True(!resting.Remove(tag, out long until) || until <= now);
                    }
                    else
                    {
                        refusals++;
                        Assert.Equal(pool.Capacity, inUse.Count + resting.Count(pair => pair.Value > now));
                    }

                    break;
                case 3 when inUse.Count > 0:
                    ushort released = inUse.ElementAt(random.Next(inUse.Count));
                    inUse.Remove(released);
                    pool.Release(released);
                    break;
                case 4 when inUse.Count > 0:
                    ushort given = inUse.ElementAt(random.Next(inUse.Count));
                    inUse.Remove(given);
                    resting[given] = now + QuarantineNanoseconds;
                    pool.Quarantine(given, now);
                    break;
            }

            Assert.Equal(inUse.Count, pool.InUseCount);
        }

        Assert.True(refusals > 100);
        pool.Clear();
        Assert.Equal(pool.Capacity, pool.FreeCount);
    }
}
