using PcieOe.Protocol.Ethernet;
using PcieOe.Transport.Polling;
using PcieOe.Transport.Ports;
using PcieOe.Transport.Ports.Memory;
using Xunit;

namespace PcieOe.Transport.Tests.Ports;

public sealed class InMemoryPortTests : IDisposable
{
    private readonly TestFrames _frames = new();

    public void Dispose() => _frames.Dispose();

    [Theory]
    [InlineData(0, null)]
    [InlineData(500, null)]
    [InlineData(500, (ushort)0xA005)]
    public void Frame_OneOrTwoPieces_ArrivesWhole(int contentBytes, ushort? vlanTag)
    {
        using InMemoryHub hub = new(new InMemoryHubOptions());
        Assert.Equal(1, hub.Ports[0].Send([_frames.Make(hub.Ports[1].Address, hub.Ports[0].Address, 1000, 4, vlanTag: vlanTag, contentBytes: contentBytes)]));

        ReceivedFrame[] batch = new ReceivedFrame[4];
        Assert.Equal(1, hub.Ports[1].Receive(batch));
        Assert.True(EthernetHeader.TryParse(batch[0].Bytes, out EthernetHeader header));
        Assert.Equal(new EthernetHeader(hub.Ports[1].Address, hub.Ports[0].Address, TestFrames.EtherType), header);
        Assert.Equal(TestFrames.Payload(1000, 4), batch[0].Bytes[14..]);
        Assert.Equal(vlanTag ?? 0, batch[0].VlanTag);
        hub.Ports[1].Release();
        Assert.Equal(0, hub.Ports[1].Receive(batch));
    }

    [Fact]
    public void Hub_UnicastAndMulticast_ReachWhomTheyShould()
    {
        using InMemoryHub hub = new(new InMemoryHubOptions { PortCount = 4 });
        hub.Ports[2].Send([
            _frames.Make(hub.Ports[0].Address, hub.Ports[2].Address, 60, 1),
            _frames.Make(new MacAddress(0x03_00_00_00_00_09), hub.Ports[2].Address, 60, 2),
            _frames.Make(new MacAddress(0x02_00_00_00_00_09), hub.Ports[2].Address, 60, 3)]);

        Assert.Equal([1, 2], hub.Ports[0].ReceiveUntil(3, 1).Select(frame => (int)frame[14]));
        Assert.Equal([2], hub.Ports[1].ReceiveUntil(3, 1).Select(frame => (int)frame[14]));
        Assert.Empty(hub.Ports[2].ReceiveUntil(3, 1));
        Assert.Equal([2], hub.Ports[3].ReceiveUntil(3, 1).Select(frame => (int)frame[14]));
    }

    [Fact]
    public void Send_RingFull_TakesNoMoreUntilReleased()
    {
        using InMemoryHub hub = new(new InMemoryHubOptions { SlotsPerRing = 4 });
        OutgoingFrame[] batch = [.. Enumerable.Range(0, 6).Select(i => _frames.Make(hub.Ports[1].Address, hub.Ports[0].Address, 60, (byte)i))];

        Assert.Equal(4, hub.Ports[0].Send(batch));
        Assert.Equal(2, hub.Ports[0].Counters.SendDrops);

        ReceivedFrame[] received = new ReceivedFrame[3];
        Assert.Equal(3, hub.Ports[1].Receive(received));
        Assert.Equal(0, hub.Ports[0].Send(batch.AsSpan(4)));
        hub.Ports[1].Release();
        Assert.Equal(2, hub.Ports[0].Send(batch.AsSpan(4)));
        Assert.Equal([3, 4, 5], hub.Ports[1].ReceiveUntil(3).Select(frame => (int)frame[14]));
    }

    [Fact]
    public void Send_LongerThanMtu_IsNotTaken()
    {
        using InMemoryHub hub = new(new InMemoryHubOptions { MaximumTransmissionUnit = 1500 });
        Assert.Equal(0, hub.Ports[0].Send([_frames.Make(hub.Ports[1].Address, hub.Ports[0].Address, 1501)]));
        Assert.Equal(1, hub.Ports[0].Send([_frames.Make(hub.Ports[1].Address, hub.Ports[0].Address, 1500, vlanTag: 7)]));
    }

    [Fact]
    public void Wait_FrameThereBefore_EndsAtOnce()
    {
        using InMemoryHub hub = new(new InMemoryHubOptions());
        using PollWaiter waiter = new(new PollWaiterOptions { Policy = PollPolicy.Blocking, MaximumBlockMilliseconds = 10_000 });
        waiter.Add(hub.Ports[1]);
        hub.Ports[0].Send([_frames.Make(hub.Ports[1].Address, hub.Ports[0].Address, 60)]);
        long start = MonotonicClock.Nanoseconds;
        waiter.OnIdle(start, long.MaxValue);
        waiter.OnIdle(start, long.MaxValue);
        Assert.Equal(1, waiter.Blocks);
        Assert.InRange(MonotonicClock.Nanoseconds - start, 0, 9_000_000_000);
    }

    [Fact]
    public void TwoThreads_BlockingWaiters_ExchangeEverythingInOrderWithoutAllocating()
    {
        const int Count = 50_000;
        using InMemoryHub hub = new(new InMemoryHubOptions { SlotsPerRing = 16 });
        long allocated = -1;
        int received = 0;
        bool isOrdered = true;
        Thread receiver = new(() =>
        {
            // A long sleep would make a lost wake-up show as a test that takes minutes.
            using PollWaiter waiter = new(new PollWaiterOptions { Policy = PollPolicy.Blocking, MaximumBlockMilliseconds = 60_000 });
            waiter.Add(hub.Ports[1]);
            ReceivedFrame[] batch = new ReceivedFrame[8];
            long before = 0;
            while (received < Count)
            {
                int count = hub.Ports[1].Receive(batch);
                for (int i = 0; i < count; i++)
                {
                    isOrdered &= batch[i].Bytes[14] == (byte)received++;
                }

                hub.Ports[1].Release();
                if (count > 0)
                {
                    waiter.OnWork();
                }
                else
                {
                    waiter.OnIdle(MonotonicClock.Nanoseconds, long.MaxValue);
                }

                before = received < 1000 ? GC.GetAllocatedBytesForCurrentThread() : before;
            }

            allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        });
        receiver.Start();
        for (int i = 0; i < Count; i++)
        {
            OutgoingFrame frame = _frames.Make(hub.Ports[1].Address, hub.Ports[0].Address, 1, (byte)i);
            while (hub.Ports[0].Send([frame]) == 0)
            {
                Thread.Yield();
            }
        }

        Assert.True(receiver.Join(30_000), "a wake-up was lost");
        Assert.True(isOrdered);
        Assert.Equal(0, allocated);
    }
}
