using System.Globalization;
using PcieOe.Protocol.Ethernet;
using PcieOe.Transport.Ports;
using PcieOe.Transport.Ports.Packet;
using SharpPcap;
using SharpPcap.LibPcap;

namespace PcieOe.Transport.SharpPcap;

/// <summary>SharpPcap's live device, opened for a <see cref="SharpPcapPort"/>: immediate, not blocking, filtered in the kernel.</summary>
internal sealed class LiveDevice : LibPcapLiveDevice
{
    // What libpcap's ring holds of each frame besides the frame.
    private const int RingOverheadBytes = 96;
    private const int ReadTimeoutMilliseconds = 1;

    private LiveDevice(PcapInterface device)
        : base(device)
    {
    }

    /// <summary>For poll(2); the packet socket.</summary>
    internal int Descriptor => FileDescriptor;

    /// <summary>Opens an interface in the calling thread's network namespace.</summary>
    /// <exception cref="PortException">libpcap cannot: no such device, no privilege, no library.</exception>
    internal static LiveDevice Open(PacketPortOptions options, int interfaceMtu, MacAddress address)
    {
        try
        {
            PcapInterface device = PcapInterface.GetAllPcapInterfaces().FirstOrDefault(entry => entry.Name == options.InterfaceName)
                ?? throw new PortException($"libpcap does not list an interface '{options.InterfaceName}': is it up, and may this user capture (CAP_NET_RAW)?");
            LiveDevice opened = new(device);
            try
            {
                int frameBytes = EthernetHeader.TaggedLength + interfaceMtu;
                opened.Open(new DeviceConfiguration
                {
                    // libpcap joins no groups, so for their sake everything is let in; the filter lets through what the port is to see.
                    Mode = options.Promiscuous || options.MulticastGroups.Count > 0 ? DeviceModes.Promiscuous : DeviceModes.None,
                    Immediate = true,
                    ReadTimeout = ReadTimeoutMilliseconds,
                    Snaplen = frameBytes,
                    BufferSize = options.ReceiveSlots * (frameBytes + RingOverheadBytes),
                    TimestampResolution = TimestampResolution.Nanosecond,
                });
                opened.NonBlockingMode = true;
                opened.Filter = FilterOf(options, address);
                return opened;
            }
            catch
            {
                opened.Dispose();
                throw;
            }
        }
        catch (PcapException exception)
        {
            throw new PortException(
                $"Could not open {options.InterfaceName} through libpcap: {exception.Message.TrimEnd()} Packet sockets take CAP_NET_RAW: run as root, " +
                "or with that capability alone.", exception);
        }
        catch (Exception exception) when (exception is DllNotFoundException or TypeInitializationException)
        {
            throw new PortException("libpcap cannot be loaded: install it (Debian: libpcap0.8), or use the port \"packet\", which needs nothing.", exception);
        }
    }

    /// <summary>
    /// Frames of other stations, of the EtherType, for this station or a group (man 7 pcap-filter). Not "inbound": libpcap runs the filter
    /// itself over the first frames, and there that word lets nothing through.
    /// </summary>
    internal static string FilterOf(PacketPortOptions options, MacAddress address)
    {
        string filter = $"not ether src {address}";
        if (options.EtherType is { } etherType)
        {
            filter += string.Create(CultureInfo.InvariantCulture, $" and ether proto 0x{etherType:x4}");
        }

        return options.Promiscuous ? filter : $"{filter} and (ether dst {address} or ether multicast)";
    }
}
