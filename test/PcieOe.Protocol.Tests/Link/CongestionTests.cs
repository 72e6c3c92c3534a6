using Xunit;

namespace PcieOe.Protocol.Tests.Link;

/// <summary>How a saturated lane behaves on a path with a rate, a queue, and peers that are not always there.</summary>
public sealed class CongestionTests
{
    private const long Millisecond = 1_000_000;
    private const int FrameBytes = 8948;

    [Theory]
    [InlineData(10.0)]
    [InlineData(1.0)]
    public void Bottleneck_WithADeepQueue_IsFullAndItsQueueShort(double gigabitsPerSecond)
    {
        using var path = new BottleneckPath(gigabitsPerSecond, delay: 10_000, queueFrames: 100_000);
        path.Run(200 * Millisecond);
        long start = path.Delivered;
        path.LongestQueue = 0;
        path.Run(200 * Millisecond);
        double used = (path.Delivered - start) * 8 / (0.2 * gigabitsPerSecond * 1e9);
        Assert.InRange(used, 0.9, 1.0);
        Assert.InRange(path.LongestQueue, 0, 2 * Millisecond);
        Assert.Equal(0, path.Pair.A.Engine.Counters.FastRetransmits);
    }

    [Fact]
    public void Bottleneck_WithAShortQueue_IsStillUsed()
    {
        using var path = new BottleneckPath(gigabitsPerSecond: 1, delay: 50_000, queueFrames: 8);
        path.Run(200 * Millisecond);
        long start = path.Delivered;
        path.Run(200 * Millisecond);
        Assert.InRange((path.Delivered - start) * 8 / 0.2e9, 0.7, 1.0);
        Assert.NotEqual(0, path.Pair.A.Engine.Counters.FastRetransmits);
    }

    [Fact]
    public void Peer_GoneForMillisecondsNowAndThen_CostsLittleMoreThanTheTimeItIsGone()
    {
        using var path = new BottleneckPath(gigabitsPerSecond: 18, delay: 5_000, queueFrames: 4000);
        path.Run(50 * Millisecond);
        long start = path.Delivered;
        for (int i = 0; i < 20; i++)
        {
            path.Run(10 * Millisecond);
            path.PeerSleepsUntil = path.Now + 5 * Millisecond;
            path.Run(5 * Millisecond);
        }

        // 300 ms, of which the peer was there for 200; what queued meanwhile is bounded by the window of 4 MiB.
        double gigabits = (path.Delivered - start) * 8 / 1e9;
        Assert.InRange(gigabits, 0.8 * 18 * 0.2, 18 * 0.3);
    }

    [Fact]
    public void Peer_BackAfterAnOutage_GetsItsRateBackWithinMilliseconds()
    {
        using var path = new BottleneckPath(gigabitsPerSecond: 10, delay: 10_000, queueFrames: 1000);
        path.Run(50 * Millisecond);
        path.CutUntil = path.Now + 2000 * Millisecond;
        path.Run(2000 * Millisecond);
        Assert.True(path.Pair.A.Engine.IsOutage(path.Now));
        path.Run(260 * Millisecond);
        long start = path.Delivered;
        path.Run(20 * Millisecond);
        Assert.InRange((path.Delivered - start) * 8 / 0.2e9, 0.8, 1.0);
    }

    [Theory]
    [InlineData(0.3, 0.2)]
    [InlineData(0.01, 1.0)]
    public void Loss_AtRandom_NeverStopsTheLane(double loss, double leastGigabits)
    {
        using var path = new BottleneckPath(gigabitsPerSecond: 10, delay: 10_000, queueFrames: 1000) { Loss = loss };
        path.Run(200 * Millisecond);
        Assert.InRange(path.Delivered * 8 / 0.2e9, leastGigabits, 10);
    }

    [Fact]
    public void Senders_ThirtyTwoIntoOnePort_ShareItWithoutCollapse()
    {
        using var path = new BottleneckPath(gigabitsPerSecond: 10, delay: 10_000, queueFrames: 64, senders: 32);
        path.Run(1000 * Millisecond);
        Assert.InRange(path.Delivered * 8 / 1e9, 7.0, 10.0);
        Assert.All(path.Pairs, pair => Assert.NotEqual(0, pair.B.Engine.Counters.DataFramesDelivered));
    }

    /// <summary>
    /// Saturated lanes from A to B, each of its own pair, through one queue with one transmitter; acknowledgements come back with the delay
    /// alone.
    /// </summary>
    private sealed class BottleneckPath : IDisposable
    {
        private readonly double _gigabitsPerSecond;
        private readonly long _delay;
        private readonly int _queueFrames;
        private readonly PriorityQueue<(LinkEnd To, byte[] Frame), (long Arrival, long Order)> _underWay = new();
        private readonly Random _random = new(7);
        private long _order;
        private long _freeAt;

        public BottleneckPath(double gigabitsPerSecond, long delay, int queueFrames, int senders = 1)
        {
            _gigabitsPerSecond = gigabitsPerSecond;
            _delay = delay;
            _queueFrames = queueFrames;
            Pairs = [.. Enumerable.Range(0, senders).Select(_ => new LinkPair())];
            Now = Pairs[0].Now;
        }

        public LinkPair[] Pairs { get; }

        public LinkPair Pair => Pairs[0];

        public long Now { get; private set; }

        public double Loss { get; init; }

        public long CutUntil { get; set; }

        public long PeerSleepsUntil { get; set; }

        public long LongestQueue { get; set; }

        public long Delivered { get; private set; }

        public void Run(long duration)
        {
            long end = Now + duration;
            foreach (LinkPair pair in Pairs)
            {
                PumpSender(pair);
            }

            while (true)
            {
                long next = Pairs.Min(pair => Math.Min(pair.A.Engine.NextDeadline, Math.Max(PeerSleepsUntil, pair.B.Engine.NextDeadline)));
                next = _underWay.TryPeek(out _, out (long Arrival, long) first) ? Math.Min(next, first.Arrival) : next;
                if (next > end)
                {
                    Now = end;
                    return;
                }

                Now = Math.Max(Now, next);
                while (_underWay.TryPeek(out (LinkEnd To, byte[] Frame) due, out (long Arrival, long Order) at) && at.Arrival <= Now)
                {
                    _underWay.Dequeue();
                    if (Now < PeerSleepsUntil && Array.Exists(Pairs, pair => pair.B == due.To))
                    {
                        _underWay.Enqueue(due, (PeerSleepsUntil, at.Order));
                        continue;
                    }

                    due.To.Engine.OnFrame(due.Frame, Now);
                    LinkPair touched = Array.Find(Pairs, pair => pair.A == due.To || pair.B == due.To)!;
                    PumpSender(touched);
                    PumpReceiver(touched);
                }

                foreach (LinkPair pair in Pairs)
                {
                    if (pair.A.Engine.NextDeadline <= Now)
                    {
                        PumpSender(pair);
                    }

                    if (pair.B.Engine.NextDeadline <= Now)
                    {
                        PumpReceiver(pair);
                    }
                }
            }
        }

        public void Dispose() => Array.ForEach(Pairs, pair => pair.Dispose());

        private void PumpSender(LinkPair pair)
        {
            pair.A.Engine.OnTimer(Now);
            do
            {
                foreach (byte[] frame in pair.A.Collect(Now))
                {
                    long serialization = (long)(frame.Length * 8 / _gigabitsPerSecond);
                    long start = Math.Max(Now, _freeAt);
                    LongestQueue = Math.Max(LongestQueue, start - Now);
                    if (Now >= CutUntil && _random.NextDouble() >= Loss && start - Now <= _queueFrames * serialization)
                    {
                        _freeAt = start + serialization;
                        _underWay.Enqueue((pair.B, frame), (_freeAt + _delay, _order++));
                    }
                }
            }
            while (pair.A.TryPut(FrameBytes));
        }

        private void PumpReceiver(LinkPair pair)
        {
            if (Now < PeerSleepsUntil)
            {
                return;
            }

            pair.B.Engine.OnTimer(Now);
            foreach (byte[] frame in pair.B.Collect(Now))
            {
                if (Now >= CutUntil && _random.NextDouble() >= Loss)
                {
                    // Without any jitter the senders that have the queue's places keep them: each gets its own back.
                    _underWay.Enqueue((pair.A, frame), (Now + _delay + _random.NextInt64(_delay), _order++));
                }
            }

            Delivered += pair.B.Delivered.Sum(content => (long)content.Length);
            pair.B.Delivered.Clear();
            pair.B.DeliveredFrameNumbers.Clear();
        }
    }
}
