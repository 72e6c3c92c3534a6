using PcieOe.Cli.Lab;
using PcieOe.Transport.Ports;
using PcieOe.Transport.Ports.Packet;
using Xunit;

namespace PcieOe.Transport.Tests.Ports;

[Trait("Category", "System")]
public sealed class PacketPortContractTests : PortContract
{
    protected override IPort Open(PacketPortOptions options) => PacketPort.Open(options);
}

[Trait("Category", "System")]
public sealed class PacketPortTests : IDisposable
{
    private readonly NetworkLab _lab = LabFixture.Create();
    private readonly TestFrames _frames = new();

    public void Dispose()
    {
        _lab.Dispose();
        _frames.Dispose();
    }

    [Fact]
    public void Receive_RingFull_DropsAreCounted()
    {
        using PacketPort sender = _lab.First.Open();
        using PacketPort receiver = _lab.Second.Open(options => options with { ReceiveSlots = 16 });
        for (int i = 0; i < 100; i++)
        {
            sender.Send([_frames.Make(receiver.Address, sender.Address, 60)]);
        }

        int received = receiver.ReceiveUntil(100, 100).Count;
        sender.Send([_frames.Make(receiver.Address, sender.Address, 60)]);
        Assert.True(receiver.PollUntil(() => receiver.Counters.ReceiveDrops > 0));
        Assert.Equal(100 - received, receiver.Counters.ReceiveDrops);
        Assert.InRange(received, 16, 99);
    }

    [Fact]
    public void Multicast_Group_IsJoinedInTheKernel()
    {
        using PacketPort port = _lab.Second.Open(options => options with { MulticastGroups = [new(0x03_00_50_43_49_45)] });
        string groups = _lab.Second.Run(() => File.ReadAllText("/proc/thread-self/net/dev_mcast"));
        Assert.Contains("030050434945", groups, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public void Steering_TwoWorkers_EachGetsItsSessions()
    {
        using PacketPort sender = _lab.First.Open();
        using PacketPort even = _lab.Second.Open(options => options with { Steering = new PacketSteering(0, 2, 4) });
        using PacketPort odd = _lab.Second.Open(options => options with { Steering = new PacketSteering(1, 2, 4) });

        // The session id is 4 bytes of the pattern, the last of which decides: seed + 7 * 7.
        for (byte seed = 0; seed < 8; seed++)
        {
            sender.Send([_frames.Make(even.Address, sender.Address, 60, seed)]);
        }

        Assert.Equal([1, 3, 5, 7], even.ReceiveUntil(5, 200).Select(frame => (int)frame[14]));
        Assert.Equal([0, 2, 4, 6], odd.ReceiveUntil(5, 200).Select(frame => (int)frame[14]));
    }

    [Fact]
    public void Frames_SteadyState_AllocateNothing()
    {
        using PacketPort sender = _lab.First.Open();
        using PacketPort receiver = _lab.Second.Open();
        OutgoingFrame[] outgoing = [.. Enumerable.Range(0, 8).Select(i => _frames.Make(receiver.Address, sender.Address, 1000, contentBytes: 900))];
        ReceivedFrame[] batch = new ReceivedFrame[16];
        Exchange(1000);

        long before = GC.GetAllocatedBytesForCurrentThread();
        int received = Exchange(10_000);
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;

        Assert.Equal(10_000 * 9, received);
        Assert.Equal(0, allocated);

        int Exchange(int rounds)
        {
            int total = 0;
            for (int i = 0; i < rounds; i++)
            {
                sender.Send(outgoing);
                sender.Send(outgoing.AsSpan(0, 1));
                for (int spins = 0, got = 0; got < 9 && spins < 1_000_000; spins++)
                {
                    int count = receiver.Receive(batch);
                    receiver.Release();
                    got += count;
                    total += count;
                }
            }

            return total;
        }
    }
}
