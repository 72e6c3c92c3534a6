using PcieOe.Cli.Lab;
using PcieOe.Transport.Polling;
using PcieOe.Transport.Ports;
using PcieOe.Transport.Ports.Packet;
using Xunit;

namespace PcieOe.Transport.Tests.Ports;

[Trait("Category", "System")]
public sealed class PacketPortRecoveryTests : IDisposable
{
    private readonly NetworkLab _lab = LabFixture.Create();
    private readonly TestFrames _frames = new();

    public void Dispose()
    {
        _lab.Dispose();
        _frames.Dispose();
    }

    [Fact]
    public void InterfaceDownAndUp_SamePort_WorksAgain()
    {
        using PacketPort sender = _lab.First.Open();
        using PacketPort receiver = _lab.Second.Open();
        ExchangeOne(sender, receiver);

        _lab.First.Run(() => RouteNetlink.SetUp(LabFixture.Interface, false));
        Assert.True(sender.PollUntil(() => sender.State == PortState.Down));
        Assert.True(receiver.PollUntil(() => receiver.State == PortState.Down), "the other end has no carrier");
        Assert.Equal(0, sender.Send([_frames.Make(receiver.Address, sender.Address, 60)]));
        Assert.Equal(1, sender.Counters.SendsWhileDown);

        _lab.First.Run(() => RouteNetlink.SetUp(LabFixture.Interface, true));
        AwaitUp(sender, receiver);
        ExchangeOne(sender, receiver);
        ExchangeOne(receiver, sender);
        Assert.Equal(1, sender.Counters.Recoveries);
    }

    [Fact]
    public void InterfaceDown_SendFirst_IsReportedOnceAndAtOnce()
    {
        using PacketPort sender = _lab.First.Open();
        _lab.First.Run(() => RouteNetlink.SetUp(LabFixture.Interface, false));

        Assert.Equal(0, sender.Send([_frames.Make(sender.Address, sender.Address, 60)]));
        Assert.Equal(PortState.Down, sender.State);
        Assert.Equal(0, sender.Send([_frames.Make(sender.Address, sender.Address, 60)]));
        Assert.Equal(2, sender.Counters.SendsWhileDown);
        Assert.Equal(0, sender.Counters.SendDrops);
    }

    [Fact]
    public void InterfaceDeletedAndMadeAnew_SamePort_WorksAgain()
    {
        using PacketPort sender = _lab.First.Open(options => options with { MulticastGroups = [new(0x03_00_00_00_00_01)] });
        using PacketPort receiver = _lab.Second.Open(options => options with { MulticastGroups = [new(0x03_00_00_00_00_01)] });
        ExchangeOne(sender, receiver);

        for (int round = 1; round <= 3; round++)
        {
            _lab.First.Run(() => RouteNetlink.Delete(LabFixture.Interface));
            Assert.True(sender.PollUntil(() => sender.State == PortState.Down));
            Assert.True(receiver.PollUntil(() => receiver.State == PortState.Down));
            Assert.Equal(0, sender.Send([_frames.Make(receiver.Address, sender.Address, 60)]));

            _lab.CreateCable(9000);
            AwaitUp(sender, receiver);
            ExchangeOne(sender, receiver);
            ExchangeOne(receiver, sender);
            Assert.Equal(round, sender.Counters.Recoveries);
            string groups = _lab.Second.Run(() => File.ReadAllText("/proc/thread-self/net/dev_mcast"));
            Assert.Contains("030000000001", groups, StringComparison.OrdinalIgnoreCase);
        }
    }

    [Fact]
    public void MtuShrunk_AndRestored_IsNoticed()
    {
        using PacketPort sender = _lab.First.Open();
        using PacketPort receiver = _lab.Second.Open();
        _lab.First.Run(() => RouteNetlink.SetMtu(LabFixture.Interface, 1500));

        Assert.Equal(0, sender.Send([_frames.Make(receiver.Address, sender.Address, 9000)]));
        Assert.Equal(PortState.MtuTooSmall, sender.State);
        Assert.Equal(1, sender.Counters.SendDrops);

        _lab.First.Run(() => RouteNetlink.SetMtu(LabFixture.Interface, 9000));
        AwaitUp(sender, receiver);
        ExchangeOne(sender, receiver);
    }

    [Fact]
    public void InterfaceDownAndUp_SleepingLoop_IsWokenBothTimes()
    {
        using PacketPort port = _lab.First.Open();

        // Sleeps so long that only what happens to the interface can end it in time.
        using PollWaiter waiter = new(new PollWaiterOptions { Policy = PollPolicy.Blocking, MaximumBlockMilliseconds = 60_000 });
        waiter.Add(port);
        PortState[] seen = new PortState[8];
        int count = 0;
        int rounds = 0;
        bool isOver = false;
        Thread loop = new(() =>
        {
            ReceivedFrame[] batch = new ReceivedFrame[4];
            for (PortState last = PortState.Up; !Volatile.Read(ref isOver);)
            {
                port.Receive(batch);
                port.Release();
                if (port.State != last && count < seen.Length)
                {
                    seen[count] = last = port.State;
                    Volatile.Write(ref count, count + 1);
                }

                Volatile.Write(ref rounds, rounds + 1);
                waiter.OnIdle(MonotonicClock.Nanoseconds, long.MaxValue);
            }
        });
        loop.Start();
        SpinWait.SpinUntil(() => Volatile.Read(ref rounds) >= 2, 5_000);
        _lab.First.Run(() => RouteNetlink.SetUp(LabFixture.Interface, false));
        bool isWokenDown = SpinWait.SpinUntil(() => Volatile.Read(ref count) == 1, 10_000);
        _lab.First.Run(() => RouteNetlink.SetUp(LabFixture.Interface, true));
        bool isWokenUp = SpinWait.SpinUntil(() => Volatile.Read(ref count) == 2, 10_000);
        Volatile.Write(ref isOver, true);
        waiter.Wake();
        loop.Join();
        Assert.True(isWokenDown, "not woken when it went down");
        Assert.True(isWokenUp, "not woken when it came back");
        Assert.Equal([PortState.Down, PortState.Up], seen[..2]);
    }

    private static void AwaitUp(PacketPort first, PacketPort second)
    {
        Assert.True(first.PollUntil(() => first.State == PortState.Up));
        Assert.True(second.PollUntil(() => second.State == PortState.Up));
    }

    private void ExchangeOne(PacketPort sender, PacketPort receiver)
    {
        Assert.Equal(1, sender.Send([_frames.Make(receiver.Address, sender.Address, 9000, 42, contentBytes: 8000)]));
        Assert.Equal(TestFrames.Payload(9000, 42), Assert.Single(receiver.ReceiveUntil(1)).AsSpan(14));
    }
}
