using System.Buffers.Binary;
using System.Diagnostics;
using System.Text.Json.Nodes;
using PcieOe.Cli.Lab;
using PcieOe.Protocol.Ethernet;
using PcieOe.Transport.Interop;
using PcieOe.Transport.Ports;
using PcieOe.Transport.Ports.Packet;
using Xunit;

namespace PcieOe.Cli.Tests.Commands;

[Trait("Category", "System")]
public sealed class ImpairTests : IDisposable
{
    private const string End = "end0";
    private const int VlanId = 7;

    private readonly string _path = Path.Combine(Path.GetTempPath(), $"pcieoe-{Guid.NewGuid():N}.json");
    private readonly NetworkNamespace _left;
    private readonly NetworkNamespace _middle;
    private readonly NetworkNamespace _right;

    public ImpairTests()
    {
        LabPermission.Require();
        _left = NetworkNamespace.Create("left");
        _middle = NetworkNamespace.Create("middle");
        _right = NetworkNamespace.Create("right");
        foreach ((NetworkNamespace place, string name) in new[] { (_left, "left0"), (_right, "right0") })
        {
            _middle.Run(() => RouteNetlink.CreateVirtualEthernetPair(name, End, place.Descriptor, 9000));
            _middle.Run(() => RouteNetlink.SetUp(name, true));
            place.Run(() => RouteNetlink.SetUp(End, true));
        }
    }

    public void Dispose()
    {
        File.Delete(_path);
        _left.Dispose();
        _middle.Dispose();
        _right.Dispose();
    }

    [Theory]
    [InlineData(null)]
    [InlineData(VlanId)]
    public void Relay_LosesAndDuplicates_AsItReports(int? vlanId)
    {
        const int Frames = 2000;
        using PacketPort left = _left.Run(() => PacketPort.Open(new PacketPortOptions { InterfaceName = End, VlanId = vlanId }));
        using PacketPort right = _right.Run(() => PacketPort.Open(new PacketPortOptions { InterfaceName = End, VlanId = vlanId, ReceiveSlots = 4096 }));
        Process relay = StartRelay("--loss", "30", "--duplicate", "10", "--seed", "5", "--seconds", "4");

        HashSet<int> seen = [];
        int received = 0;
        AwaitPassage(left, right, vlanId);
        for (int i = 0; i < Frames; i++)
        {
            Send(left, right.Address, i, vlanId);
        }

        for (long end = Environment.TickCount64 + 1000; Environment.TickCount64 < end;)
        {
            Receive(right, number =>
            {
                received++;
                seen.Add(number);
            });
        }

        CommandRun run = CommandRun.Await(relay);
        Assert.True(run.ExitCode == 0, run.Errors);
        JsonNode report = JsonNode.Parse(File.ReadAllText(_path))!["directions"]![0]!;
        Assert.Equal("left0", (string?)report["from"]);
        Assert.InRange((long)report["offered"]!, Frames, Frames + 500);
        Assert.Equal((long)report["offered"]! - (long)report["lost"]! + (long)report["duplicated"]!, (long)report["delivered"]!);
        Assert.InRange(seen.Count, 0.6 * Frames, 0.8 * Frames);
        Assert.InRange(received - seen.Count, 0.04 * Frames, 0.12 * Frames);
    }

    [Fact]
    public void Relay_NoSuchInterface_SaysSoAndFails()
    {
        CommandRun run = CommandRun.In(_middle, "impair", "left0", "nosuch0");
        Assert.Equal(1, run.ExitCode);
        Assert.Contains("no interface 'nosuch0'", run.Errors);
    }

    private Process StartRelay(params string[] options) =>
        _middle.Start(CommandRun.Describe(["impair", "left0", "right0", .. options, "--json", _path]));

    /// <summary>The relay takes a moment to begin. The frames that find out have negative numbers.</summary>
    private static void AwaitPassage(PacketPort from, PacketPort to, int? vlanId)
    {
        bool hasPassed = false;
        for (long end = Environment.TickCount64 + 20_000; !hasPassed && Environment.TickCount64 < end;)
        {
            Send(from, to.Address, -1, vlanId);
            long next = Environment.TickCount64 + 100;
            while (!hasPassed && Environment.TickCount64 < next)
            {
                Receive(to, _ => hasPassed = true);
            }
        }

        Assert.True(hasPassed, "nothing passes the relay");
        for (long end = Environment.TickCount64 + 50; Environment.TickCount64 < end;)
        {
            Receive(to, _ => { });
        }
    }

    private static unsafe void Send(PacketPort port, MacAddress destination, int number, int? vlanId)
    {
        using NativeBuffer memory = new(128);
        Span<byte> frame = new(memory.Pointer, 128);
        ushort? tag = vlanId is { } id ? EthernetHeader.MakeVlanTag(5, id) : null;
        int length = new EthernetHeader(destination, port.Address, PacketPortOptions.DefaultEtherType, tag).Write(frame);
        BinaryPrimitives.WriteInt32LittleEndian(frame[length..], number);
        Assert.Equal(1, port.Send([new OutgoingFrame { Header = memory.Pointer, HeaderLength = length + 50 }]));
    }

    private static void Receive(PacketPort port, Action<int> onNumber)
    {
        ReceivedFrame[] batch = new ReceivedFrame[32];
        int count = port.Receive(batch);
        for (int i = 0; i < count; i++)
        {
            onNumber(BinaryPrimitives.ReadInt32LittleEndian(batch[i].Bytes[EthernetHeader.UntaggedLength..]));
        }

        port.Release();
    }
}
