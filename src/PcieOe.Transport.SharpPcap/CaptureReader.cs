using System.Net.NetworkInformation;
using PacketDotNet;
using PcieOe.Protocol.Ethernet;
using SharpPcap;
using SharpPcap.LibPcap;

namespace PcieOe.Transport.SharpPcap;

/// <summary>A frame of a capture: when it passed, its Ethernet header (with its tag, if any), and what follows.</summary>
public sealed record CapturedFrame(DateTime Time, EthernetHeader Header, byte[] Payload);

/// <summary>Reads captures (pcap, pcapng), such as the daemons' <c>captureFile</c>.</summary>
public static class CaptureReader
{
    /// <summary>The Ethernet frames of a file, in its order; what is not Ethernet is passed over.</summary>
    /// <exception cref="IOException">The file is no capture, or cannot be read.</exception>
    public static IEnumerable<CapturedFrame> Read(string path)
    {
        using CaptureFileReaderDevice file = Open(path);
        while (TryReadNext(file) is { } capture)
        {
            if (Packet.ParsePacket(capture.LinkLayerType, capture.Data) is EthernetPacket ethernet)
            {
                yield return FrameOf(capture, ethernet);
            }
        }
    }

    private static CaptureFileReaderDevice Open(string path)
    {
        CaptureFileReaderDevice file = new(path);
        try
        {
            file.Open();
            return file;
        }
        catch (PcapException exception)
        {
            file.Dispose();
            throw new IOException($"{path} cannot be read as a capture: {exception.Message}", exception);
        }
    }

    private static RawCapture? TryReadNext(CaptureFileReaderDevice file) =>
        file.GetNextPacket(out PacketCapture capture) == GetPacketStatus.PacketRead ? capture.GetPacket() : null;

    private static CapturedFrame FrameOf(RawCapture capture, EthernetPacket ethernet)
    {
        Ieee8021QPacket? tagged = ethernet.PayloadPacket as Ieee8021QPacket;
        EthernetHeader header = new(
            AddressOf(ethernet.DestinationHardwareAddress),
            AddressOf(ethernet.SourceHardwareAddress),
            (ushort)(tagged?.Type ?? ethernet.Type),
            tagged is null ? null : EthernetHeader.MakeVlanTag((int)tagged.PriorityControlPoint, tagged.VlanIdentifier));
        return new CapturedFrame(capture.Timeval.Date, header, capture.Data[Math.Min(header.WrittenLength, capture.Data.Length)..]);
    }

    private static MacAddress AddressOf(PhysicalAddress address) => MacAddress.Read(address.GetAddressBytes());
}
