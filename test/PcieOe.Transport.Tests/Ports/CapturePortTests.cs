using System.Diagnostics;
using PcieOe.Cli.Lab;
using PcieOe.Protocol.Ethernet;
using PcieOe.Transport.Ports;
using PcieOe.Transport.Ports.Capture;
using PcieOe.Transport.Ports.Memory;
using Xunit;

namespace PcieOe.Transport.Tests.Ports;

public sealed class CapturePortTests : IDisposable
{
    private readonly string _path = Path.Combine(Path.GetTempPath(), $"pcieoe-{Guid.NewGuid():N}.pcapng");
    private readonly TestFrames _frames = new();
    private readonly InMemoryHub _hub = new(new InMemoryHubOptions { SlotsPerRing = 64 });

    public void Dispose()
    {
        File.Delete(_path);
        _frames.Dispose();
        _hub.Dispose();
    }

    [Fact]
    public void Frames_BothDirections_AreBlocksOfTheFile()
    {
        Exchange();

        // Blocks must follow one another exactly, each with its length at both ends.
        byte[] file = File.ReadAllBytes(_path);
        List<uint> types = [];
        for (int offset = 0; offset < file.Length;)
        {
            types.Add(BitConverter.ToUInt32(file, offset));
            int length = BitConverter.ToInt32(file, offset + 4);
            Assert.Equal(0, length % 4);
            Assert.Equal(length, BitConverter.ToInt32(file, offset + length - 4));
            offset += length;
        }

        Assert.Equal([0x0A0D0D0A, 1u, 6u, 6u, 6u], types);
    }

    [Fact]
    [Trait("Category", "System")]
    public void Frames_BothDirections_AreWhatTsharkReads()
    {
        if (ProgramPath.Find("tshark") is not { } tshark)
        {
            Assert.Skip("tshark is not installed");
            return;
        }

        Exchange();

        ProcessStartInfo start = new(tshark, ["-r", _path, "-T", "fields", "-e", "frame.len", "-e", "frame.packet_flags_direction", "-e", "eth.type", "-e", "vlan.id", "-e", "data.data", "-E", "separator=;"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using Process process = Process.Start(start)!;
        string[] lines = process.StandardOutput.ReadToEnd().Trim().Split('\n');
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
        Assert.Equal(
            [
                Line(75, 2, "0x88b5", "", TestFrames.Payload(61, 1)),
                Line(1018, 2, "0x8100", "7", TestFrames.Payload(1000, 2)),
                Line(81, 1, "0x8100", "9", TestFrames.Payload(63, 3)),
            ],
            lines);

        static string Line(int length, int direction, string type, string vlan, byte[] data) =>
            $"{length};0x0000000{direction};{type};{vlan};{Convert.ToHexStringLower(data)}";
    }

    [Fact]
    public void Buffer_FarTooSmall_DropsAreCountedAndTheFileIsSound()
    {
        using CaptureFile capture = new(_path, "memory0", 4096);
        OutgoingFrame frame = _frames.Make(_hub.Ports[1].Address, _hub.Ports[0].Address, 8000);
        using CapturePort<InMemoryPort> port = new(_hub.Ports[0], capture);
        Assert.Equal(1, port.Send([frame]));
        Assert.Equal(1, capture.Dropped);
        Assert.Equal(1, port.Send([_frames.Make(_hub.Ports[1].Address, _hub.Ports[0].Address, 60)]));
        capture.Dispose();
        byte[] file = File.ReadAllBytes(_path);

        // The drop count option of the second frame, whose block ends the file: value, end of options, length.
        Assert.Equal(1, BitConverter.ToInt64(file, file.Length - 16));
    }

    [Fact]
    public void Frames_ManyTimesTheBuffer_AreAllThereAndAllocateNothing()
    {
        const int Rounds = 20_000;
        using CaptureFile capture = new(_path, "memory0", 1 << 16);
        using CapturePort<InMemoryPort> port = new(_hub.Ports[0], capture);
        OutgoingFrame[] batch = [_frames.Make(_hub.Ports[1].Address, port.Address, 61)];
        ReceivedFrame[] received = new ReceivedFrame[4];
        SendAndDrain(1000);
        long before = GC.GetAllocatedBytesForCurrentThread();
        SendAndDrain(Rounds);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        capture.Dispose();
        Assert.Equal((Rounds + 1000 - capture.Dropped) * PcapngWriter.TotalBytes(75), new FileInfo(_path).Length - PcapngWriter.BuildFileHeader("memory0").Length);

        void SendAndDrain(int rounds)
        {
            for (int i = 0; i < rounds; i++)
            {
                port.Send(batch);
                _hub.Ports[1].Receive(received);
                _hub.Ports[1].Release();
            }
        }
    }

    [Fact]
    public void File_CannotBeMade_SaysSo()
    {
        PortException exception = Assert.Throws<PortException>(() => new CaptureFile("/nosuchfolder/x.pcapng", "memory0"));
        Assert.Contains("/nosuchfolder/x.pcapng", exception.Message);
    }

    private void Exchange()
    {
        using CapturePort<InMemoryPort> port = new(_hub.Ports[0], new CaptureFile(_path, "memory0"));
        InMemoryPort peer = _hub.Ports[1];
        port.Send([
            _frames.Make(peer.Address, port.Address, 61, 1),
            _frames.Make(peer.Address, port.Address, 1000, 2, vlanTag: EthernetHeader.MakeVlanTag(0, 7), contentBytes: 500)]);
        peer.Send([_frames.Make(port.Address, peer.Address, 63, 3, vlanTag: EthernetHeader.MakeVlanTag(2, 9))]);
        Assert.Single(port.ReceiveUntil(1));
    }
}
