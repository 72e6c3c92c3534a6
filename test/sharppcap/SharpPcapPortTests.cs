using System.Runtime.InteropServices;
using PcieOe.Cli.Lab;
using PcieOe.Protocol.Ethernet;
using PcieOe.Transport.Ports;
using PcieOe.Transport.Ports.Capture;
using PcieOe.Transport.Ports.Packet;
using PcieOe.Transport.SharpPcap.Interop;
using PcieOe.Transport.Tests.Ports;
using Xunit;

namespace PcieOe.Transport.SharpPcap.Tests;

[Trait("Category", "System")]
public sealed class SharpPcapPortContractTests : PortContract
{
    protected override IPort Open(PacketPortOptions options) => SharpPcapPort.Open(options);
}

[Trait("Category", "System")]
public sealed class SharpPcapPortTests : IDisposable
{
    private readonly NetworkLab _lab = LabFixture.Create();
    private readonly TestFrames _frames = new();

    public void Dispose()
    {
        _lab.Dispose();
        _frames.Dispose();
    }

    [Fact]
    public void Interface_DownAndUp_IsFoundAgain()
    {
        using SharpPcapPort sender = Open(_lab.First);
        using SharpPcapPort receiver = Open(_lab.Second);
        _lab.Second.Run(() => RouteNetlink.SetUp(LabFixture.Interface, false));
        Assert.True(receiver.PollUntil(() => receiver.State == PortState.Down, 10_000));
        Assert.Equal(-1, receiver.PollDescriptor);
        Assert.Equal(0, receiver.Send([_frames.Make(sender.Address, receiver.Address, 60)]));
        Assert.Equal(1, receiver.Counters.SendsWhileDown);
        _lab.Second.Run(() => RouteNetlink.SetUp(LabFixture.Interface, true));
        Assert.True(_lab.Second.Run(() => receiver.PollUntil(() => receiver.State == PortState.Up, 10_000)));
        Assert.Equal(1, receiver.Counters.Recoveries);
        Assert.True(sender.PollUntil(() => sender.State == PortState.Up, 10_000));
        sender.Send([_frames.Make(receiver.Address, sender.Address, 60, 9)]);
        Assert.Equal(TestFrames.Payload(60, 9), Assert.Single(receiver.ReceiveUntil(1)).AsSpan(14));
    }

    [Fact]
    public void Capture_OfAPort_IsReadBackFrameByFrame()
    {
        string path = Path.Combine(Path.GetTempPath(), $"pcieoe-{Guid.NewGuid():N}.pcapng");
        try
        {
            using (SharpPcapPort receiver = Open(_lab.Second))
            using (CapturePort<SharpPcapPort> sender = new(Open(_lab.First), new CaptureFile(path, LabFixture.Interface)))
            {
                sender.Send([_frames.Make(receiver.Address, sender.Address, 100, 3)]);
                sender.Send([_frames.Make(receiver.Address, sender.Address, 100, 4, vlanTag: EthernetHeader.MakeVlanTag(5, 7))]);
                Assert.Single(receiver.ReceiveUntil(1));
            }

            CapturedFrame[] frames = [.. CaptureReader.Read(path)];
            Assert.Equal(2, frames.Length);
            Assert.Null(frames[0].Header.VlanTag);
            Assert.Equal(TestFrames.EtherType, frames[0].Header.EtherType);
            Assert.Equal(TestFrames.Payload(100, 3), frames[0].Payload);
            Assert.Equal(EthernetHeader.MakeVlanTag(5, 7), frames[1].Header.VlanTag);
            Assert.Equal(TestFrames.EtherType, frames[1].Header.EtherType);
            Assert.Equal(TestFrames.Payload(100, 4), frames[1].Payload);
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void Capture_NotACapture_IsRefused()
    {
        string path = Path.GetTempFileName();
        try
        {
            File.WriteAllText(path, "this is no capture at all, whatever its name may be");
            Assert.Throws<IOException>(() => CaptureReader.Read(path).ToArray());
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void CapturedHeader_Layout_IsLibpcaps()
    {
        Assert.Equal(24, Marshal.SizeOf<CapturedHeader>());
        Assert.Equal(16, Marshal.OffsetOf<CapturedHeader>(nameof(CapturedHeader.CapturedLength)));
        Assert.Equal(20, Marshal.OffsetOf<CapturedHeader>(nameof(CapturedHeader.FrameLength)));
    }

    private static SharpPcapPort Open(NetworkNamespace place) => place.Run(() => SharpPcapPort.Open(LabFixture.Options));
}
