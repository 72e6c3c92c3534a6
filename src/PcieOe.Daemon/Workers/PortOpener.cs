using PcieOe.Daemon.Configuration;
using PcieOe.Protocol.Ethernet;
using PcieOe.Transport.Ports;
using PcieOe.Transport.Ports.Capture;
using PcieOe.Transport.Ports.Packet;

namespace PcieOe.Daemon.Workers;

/// <summary>Opens the port that settings describe.</summary>
public static class PortOpener
{
    /// <param name="groups">Multicast addresses to listen to.</param>
    /// <exception cref="PortException">It cannot be had; the message says what to do.</exception>
    public static IPort Open(PortSettings settings, IReadOnlyList<MacAddress> groups)
    {
        if (settings.Kind == "sharppcap")
        {
            throw new PortException("The port \"sharppcap\" is not built in: 'dotnet build -p:WithSharpPcap=true' builds it where SharpPcap can be restored, and \"packet\" needs nothing.");
        }

        PacketPort port = PacketPort.Open(new PacketPortOptions
        {
            InterfaceName = settings.Interface,
            EtherType = settings.EtherType,
            VlanId = settings.VlanId,
            RequiredMtu = settings.MaximumTransmissionUnit,
            ReceiveSlots = settings.ReceiveSlots,
            MulticastGroups = groups,
        });
        if (settings.CaptureFile is not { } path)
        {
            return port;
        }

        try
        {
            return new CapturePort<PacketPort>(port, new CaptureFile(path, settings.Interface));
        }
        catch
        {
            port.Dispose();
            throw;
        }
    }

    /// <summary>The Ethernet header that settings ask for.</summary>
    public static EthernetFraming Framing(PortSettings settings) => new(settings.EtherType, settings.VlanId, settings.Priority);
}
