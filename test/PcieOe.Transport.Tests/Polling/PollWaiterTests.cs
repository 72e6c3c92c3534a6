using System.Globalization;
using PcieOe.Cli.Lab;
using PcieOe.Transport.Polling;
using PcieOe.Transport.Ports.Memory;
using PcieOe.Transport.Ports.Packet;
using PcieOe.Transport.Tests.Ports;
using Xunit;

namespace PcieOe.Transport.Tests.Polling;

public sealed class PollWaiterTests
{
    private const long Millisecond = 1_000_000;

    [Fact]
    public void Adaptive_IdleLongEnough_AnnouncesThenBlocks()
    {
        using PollWaiter waiter = new(new PollWaiterOptions { AwakeMicroseconds = 250, MaximumBlockMilliseconds = 1 });
        waiter.OnIdle(0, long.MaxValue);
        waiter.OnIdle(49_999, long.MaxValue);
        waiter.OnIdle(249_999, long.MaxValue);
        waiter.OnIdle(250_000, long.MaxValue);
        Assert.Equal(0, waiter.Blocks);
        waiter.OnIdle(250_000, long.MaxValue);
        Assert.Equal(1, waiter.Blocks);
        waiter.OnIdle(260_000, long.MaxValue);
        Assert.Equal(1, waiter.Blocks);
        waiter.OnIdle(260_000, long.MaxValue);
        Assert.Equal(2, waiter.Blocks);

        waiter.OnWork();
        waiter.OnIdle(300_000, long.MaxValue);
        waiter.OnIdle(300_000, long.MaxValue);
        Assert.Equal(2, waiter.Blocks);
    }

    [Fact]
    public void Busy_EverIdle_NeverBlocks()
    {
        using PollWaiter waiter = new(new PollWaiterOptions { Policy = PollPolicy.Busy });
        for (long now = 0; now < 10_000 * Millisecond; now += Millisecond)
        {
            waiter.OnIdle(now, long.MaxValue);
        }

        Assert.Equal(0, waiter.Blocks);
    }

    [Fact]
    public void Blocking_DeadlineNear_ReturnsWithoutBlocking()
    {
        using PollWaiter waiter = new(new PollWaiterOptions { Policy = PollPolicy.Blocking });
        waiter.OnIdle(1000, 1000);
        waiter.OnIdle(1000, 2000);
        waiter.OnIdle(1000, 2000);
        Assert.Equal(0, waiter.Blocks);
    }

    [Fact]
    public void Blocking_DeadlineOrBound_EndsTheSleep()
    {
        using PollWaiter waiter = new(new PollWaiterOptions { Policy = PollPolicy.Blocking, MaximumBlockMilliseconds = 60_000 });
        long start = MonotonicClock.Nanoseconds;
        waiter.OnIdle(start, start + 5 * Millisecond);
        waiter.OnIdle(start, start + 5 * Millisecond);
        waiter.OnIdle(start, long.MaxValue, 200_000);
        waiter.OnIdle(start, long.MaxValue, 200_000);
        Assert.Equal(2, waiter.Blocks);
        Assert.InRange(MonotonicClock.Nanoseconds - start, 5 * Millisecond, 20_000 * Millisecond);
    }

    [Fact]
    public void Wake_BetweenAnnouncementAndBlock_IsNotLost()
    {
        using PollWaiter waiter = new(new PollWaiterOptions { Policy = PollPolicy.Blocking, MaximumBlockMilliseconds = 60_000 });
        waiter.OnIdle(0, long.MaxValue);
        waiter.Wake();
        waiter.OnIdle(0, long.MaxValue);
        Assert.Equal(0, waiter.Blocks);
        waiter.OnIdle(0, long.MaxValue);
        Assert.Equal(1, waiter.Blocks);
    }

    [Fact]
    public void Wake_ManyTimesFromAnotherThread_NoneIsLost()
    {
        const int Count = 30_000;
        using PollWaiter waiter = new(new PollWaiterOptions { Policy = PollPolicy.Blocking, MaximumBlockMilliseconds = 60_000 });
        int put = 0;
        int seen = 0;
        Thread loop = new(() =>
        {
            while (Volatile.Read(ref seen) < Count)
            {
                if (Volatile.Read(ref put) > seen)
                {
                    Volatile.Write(ref seen, seen + 1);
                    waiter.OnWork();
                }
                else
                {
                    waiter.OnIdle(0, long.MaxValue);
                }
            }
        });
        loop.Start();
        for (int i = 1; i <= Count; i++)
        {
            Volatile.Write(ref put, i);
            waiter.Wake();

            // Mostly waits until the loop has nothing to do, so that it is about to sleep when the next comes.
            while (i % 8 != 0 && Volatile.Read(ref seen) < i)
            {
                Thread.SpinWait(1);
            }
        }

        Assert.True(loop.Join(30_000), "a wake-up was lost");
    }

    [Fact]
    public void Adaptive_IdleMemoryPort_CostsNextToNothing() =>
        Assert.InRange(IdleLoad(() => new InMemoryHub(new InMemoryHubOptions()).Ports[0]), 0, 0.02);

    [Fact]
    [Trait("Category", "System")]
    public void Adaptive_IdlePacketPort_CostsNextToNothing()
    {
        using NetworkLab lab = LabFixture.Create();
        using PacketPort port = lab.First.Open();
        Assert.InRange(IdleLoad(() => port), 0, 0.02);
    }

    /// <summary>The part of a core that a loop with a keep-alive every 100 ms takes.</summary>
    private static double IdleLoad(Func<Transport.Ports.IPort> open)
    {
        double load = 1;
        Thread loop = new(() =>
        {
            Transport.Ports.IPort port = open();
            using PollWaiter waiter = new(new PollWaiterOptions());
            waiter.Add(port);
            Transport.Ports.ReceivedFrame[] batch = new Transport.Ports.ReceivedFrame[16];
            long now = MonotonicClock.Nanoseconds;
            long start = now;
            long processorTime = ThreadProcessorNanoseconds();
            for (long deadline = now; now - start < 2_000 * Millisecond; now = MonotonicClock.Nanoseconds)
            {
                int count = port.Receive(batch);
                port.Release();
                bool isDue = now >= deadline;
                deadline += isDue ? 100 * Millisecond : 0;
                if (count > 0 || isDue)
                {
                    waiter.OnWork();
                }
                else
                {
                    waiter.OnIdle(now, deadline);
                }
            }

            load = (double)(ThreadProcessorNanoseconds() - processorTime) / (now - start);
        });
        loop.Start();
        loop.Join();
        return load;
    }

    private static long ThreadProcessorNanoseconds() =>
        long.Parse(File.ReadAllText("/proc/thread-self/schedstat").Split(' ')[0], CultureInfo.InvariantCulture);
}
