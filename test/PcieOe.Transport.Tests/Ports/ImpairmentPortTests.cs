using PcieOe.Transport.Ports;
using PcieOe.Transport.Ports.Impairment;
using PcieOe.Transport.Ports.Memory;
using Xunit;

namespace PcieOe.Transport.Tests.Ports;

public sealed class ImpairmentPortTests : IDisposable
{
    private readonly TestFrames _frames = new();
    private readonly InMemoryHub _hub = new(new InMemoryHubOptions());
    private long _now = 1;

    public void Dispose()
    {
        _frames.Dispose();
        _hub.Dispose();
    }

    [Fact]
    public void Send_Delayed_LeavesWhenItsTimeHasCome()
    {
        using ImpairmentPort<InMemoryPort> port = new(_hub.Ports[0], new ImpairmentOptions { DelayMicroseconds = 10 }, null, () => _now);
        Assert.Equal(1, port.Send([_frames.Make(_hub.Ports[1].Address, port.Address, 60, 8)]));
        Assert.Equal(10_001, port.NextDeadline);
        Assert.Empty(_hub.Ports[1].ReceiveUntil(1, 1));

        _now = port.NextDeadline;
        Assert.Equal(0, port.Receive(new ReceivedFrame[4]));
        Assert.Equal(8, Assert.Single(_hub.Ports[1].ReceiveUntil(1, 1))[14]);
    }

    [Fact]
    public void Receive_Delayed_ArrivesWithItsTagWhenItsTimeHasCome()
    {
        using ImpairmentPort<InMemoryPort> port = new(_hub.Ports[0], null, new ImpairmentOptions { DelayMicroseconds = 10 }, () => _now);
        _hub.Ports[1].Send([_frames.Make(port.Address, _hub.Ports[1].Address, 60, 8, vlanTag: 7)]);
        ReceivedFrame[] batch = new ReceivedFrame[4];
        Assert.Equal(0, port.Receive(batch));
        port.Release();

        _now = port.NextDeadline;
        Assert.Equal(1, port.Receive(batch));
        Assert.Equal(7, batch[0].VlanTag);
        Assert.Equal(TestFrames.Payload(60, 8), batch[0].Bytes[14..]);
        port.Release();
        Assert.Equal(0, port.Receive(batch));
    }

    [Fact]
    public void Cut_BothWays_NothingPassesUntilMended()
    {
        using ImpairmentPort<InMemoryPort> port = new(_hub.Ports[0], new ImpairmentOptions(), new ImpairmentOptions(), () => _now);
        port.Sending!.IsCut = port.Receiving!.IsCut = true;
        Assert.False(PassesBothWays(port));
        port.Sending!.IsCut = port.Receiving!.IsCut = false;
        Assert.True(PassesBothWays(port));
    }

    private bool PassesBothWays(ImpairmentPort<InMemoryPort> port)
    {
        port.Send([_frames.Make(_hub.Ports[1].Address, port.Address, 60)]);
        _hub.Ports[1].Send([_frames.Make(port.Address, _hub.Ports[1].Address, 60)]);
        return port.ReceiveUntil(1, 1).Count + _hub.Ports[1].ReceiveUntil(1, 1).Count == 2;
    }
}
