using PcieOe.Cli.Lab;
using PcieOe.Protocol.Ethernet;
using PcieOe.Transport.Ports;
using PcieOe.Transport.Ports.Packet;
using Xunit;

namespace PcieOe.Transport.Tests.Ports;

/// <summary>What every port on a network interface does, whatever it is made of. A class for each kind of port inherits these tests.</summary>
[Trait("Category", "System")]
public abstract class PortContract : IDisposable
{
    private static readonly MacAddress Group = new(0x03_00_50_43_49_45);

    private readonly NetworkLab _lab = LabFixture.Create();
    private readonly TestFrames _frames = new();

    public void Dispose()
    {
        _lab.Dispose();
        _frames.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>Opens the port of this kind; called in the network namespace that it is to live in.</summary>
    protected abstract IPort Open(PacketPortOptions options);

    private IPort Open(NetworkNamespace place, Func<PacketPortOptions, PacketPortOptions>? change = null)
    {
        PacketPortOptions options = LabFixture.Options;
        return place.Run(() => Open(change is null ? options : change(options)));
    }

    [Fact]
    public void Open_WrongInterface_SaysWhatToDo()
    {
        PortException missing = Assert.Throws<PortException>(() => Open(_lab.First, options => options with { InterfaceName = "nosuch0" }));
        Assert.Contains("no interface 'nosuch0'", missing.Message, StringComparison.Ordinal);
        PortException small = Assert.Throws<PortException>(() => Open(_lab.First, options => options with { RequiredMtu = 9001 }));
        Assert.Contains($"ip link set {LabFixture.Interface} mtu 9001", small.Message, StringComparison.Ordinal);
        _lab.First.Run(() => RouteNetlink.SetUp(LabFixture.Interface, false));
        PortException down = Assert.Throws<PortException>(() => Open(_lab.First));
        Assert.Contains($"ip link set {LabFixture.Interface} up", down.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(50, 0)]
    [InlineData(9000, 0)]
    [InlineData(9000, 8952)]
    public void Frame_OneOrTwoPieces_ArrivesWhole(int payloadBytes, int contentBytes)
    {
        using IPort sender = Open(_lab.First);
        using IPort receiver = Open(_lab.Second);

        Assert.Equal(1, sender.Send([_frames.Make(receiver.Address, sender.Address, payloadBytes, 9, contentBytes: contentBytes)]));

        byte[] frame = Assert.Single(receiver.ReceiveUntil(1));
        Assert.True(EthernetHeader.TryParse(frame, out EthernetHeader header));
        Assert.Equal(new EthernetHeader(receiver.Address, sender.Address, TestFrames.EtherType), header);
        Assert.Equal(TestFrames.Payload(payloadBytes, 9), frame.AsSpan(14, payloadBytes));
        Assert.Equal(1, sender.Counters.FramesSent);
        Assert.Equal(payloadBytes + 14, receiver.Counters.BytesReceived);
    }

    [Fact]
    public void Batch_MoreThanRingTurns_ArrivesInOrder()
    {
        using IPort sender = Open(_lab.First);
        using IPort receiver = Open(_lab.Second);
        OutgoingFrame[] batch = new OutgoingFrame[20];
        for (int round = 0; round < 50; round++)
        {
            for (int i = 0; i < batch.Length; i++)
            {
                batch[i] = _frames.Make(receiver.Address, sender.Address, 100 + i * 400, (byte)(round + i), contentBytes: 40);
            }

            Assert.Equal(batch.Length, sender.Send(batch));
            List<byte[]> received = receiver.ReceiveUntil(batch.Length);
            Assert.Equal(batch.Length, received.Count);
            for (int i = 0; i < batch.Length; i++)
            {
                Assert.Equal(TestFrames.Payload(100 + i * 400, (byte)(round + i)), received[i].AsSpan(14));
            }
        }
    }

    [Fact]
    public void Receive_OwnForeignAndOtherFrames_AreNotSeen()
    {
        using IPort sender = Open(_lab.First);
        using IPort receiver = Open(_lab.Second);

        sender.Send([_frames.Make(receiver.Address, sender.Address, 60, etherType: 0x88B6)]);
        sender.Send([_frames.Make(new MacAddress(0x02_11_22_33_44_55), sender.Address, 60)]);
        sender.Send([_frames.Make(receiver.Address, sender.Address, 60, vlanTag: EthernetHeader.MakeVlanTag(3, 7))]);
        sender.Send([_frames.Make(receiver.Address, sender.Address, 60, seed: 77)]);

        Assert.Equal(TestFrames.Payload(60, 77), Assert.Single(receiver.ReceiveUntil(2, 100)).AsSpan(14));
        Assert.Empty(sender.ReceiveUntil(1, 100));
    }

    [Fact]
    public void Multicast_GroupAsked_Arrives()
    {
        using IPort sender = Open(_lab.First);
        using IPort receiver = Open(_lab.Second, options => options with { MulticastGroups = [Group] });
        sender.Send([_frames.Make(Group, sender.Address, 60, 5)]);
        Assert.Equal(TestFrames.Payload(60, 5), Assert.Single(receiver.ReceiveUntil(1)).AsSpan(14));
    }

    [Fact]
    public void Receive_KernelTimestamp_IsNow()
    {
        using IPort sender = Open(_lab.First);
        using IPort receiver = Open(_lab.Second);
        sender.Send([_frames.Make(receiver.Address, sender.Address, 60)]);
        ReceivedFrame[] batch = new ReceivedFrame[4];
        int count = 0;
        for (long end = Environment.TickCount64 + 2000; count == 0 && Environment.TickCount64 < end;)
        {
            count = receiver.Receive(batch);
        }

        long now = (DateTime.UtcNow.Ticks - DateTime.UnixEpoch.Ticks) * 100;
        Assert.InRange(batch[0].TimestampNanoseconds, now - 5_000_000_000, now + 1_000_000);
    }

    [Fact]
    public void VlanTag_PortOfThatVlan_ArrivesStrippedWithItsTag()
    {
        using IPort sender = Open(_lab.First, options => options with { VlanId = 7 });
        using IPort receiver = Open(_lab.Second, options => options with { VlanId = 7 });
        sender.Send([_frames.Make(receiver.Address, sender.Address, 60)]);
        sender.Send([_frames.Make(receiver.Address, sender.Address, 60, vlanTag: EthernetHeader.MakeVlanTag(5, 8))]);
        sender.Send([_frames.Make(receiver.Address, sender.Address, 9000, seed: 3, vlanTag: EthernetHeader.MakeVlanTag(5, 7))]);

        ReceivedFrame[] batch = new ReceivedFrame[4];
        int count = 0;
        for (long end = Environment.TickCount64 + 2000; count == 0 && Environment.TickCount64 < end;)
        {
            count = receiver.Receive(batch);
        }

        Assert.Equal(1, count);
        Assert.Equal(EthernetHeader.MakeVlanTag(5, 7), batch[0].VlanTag);
        Assert.Equal(TestFrames.Payload(9000, 3), batch[0].Bytes[14..]);
    }

    [Fact]
    public void VlanTag_PriorityAlone_ReachesTheUntaggedPort()
    {
        using IPort sender = Open(_lab.First);
        using IPort receiver = Open(_lab.Second);
        sender.Send([_frames.Make(receiver.Address, sender.Address, 60, vlanTag: EthernetHeader.MakeVlanTag(6, 0))]);
        Assert.Single(receiver.ReceiveUntil(1));
    }
}
