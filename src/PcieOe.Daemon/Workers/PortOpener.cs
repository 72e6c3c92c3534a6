using PcieOe.Daemon.Configuration;
using PcieOe.Protocol.Ethernet;
using PcieOe.Transport.Ports;
using PcieOe.Transport.Ports.Capture;
using PcieOe.Transport.Ports.Packet;

namespace PcieOe.Daemon.Workers;

/// <summary>Opens the port that settings describe.</summary>
public static class PortOpener
{
    /// <summary>What there is to say where the port "sharppcap" is not built in; null where it is.</summary>
#if WITH_SHARPPCAP
    public static string? SharpPcapMissing => null;
#else
    public static string? SharpPcapMissing =>
        "The port \"sharppcap\" is not built in: 'dotnet build -p:WithSharpPcap=true' builds it where SharpPcap can be restored, and \"packet\" needs nothing.";
#endif

    /// <param name="groups">Multicast addresses to listen to.</param>
    /// <exception cref="PortException">It cannot be had; the message says what to do.</exception>
    public static IPort Open(PortSettings settings, IReadOnlyList<MacAddress> groups)
    {
        PacketPortOptions options = new()
        {
            InterfaceName = settings.Interface,
            EtherType = settings.EtherType,
            VlanId = settings.VlanId,
            RequiredMtu = settings.MaximumTransmissionUnit,
            ReceiveSlots = settings.ReceiveSlots,
            MulticastGroups = groups,
        };
        return settings.Kind == "sharppcap" ? OpenSharpPcap(options, settings) : Captured(PacketPort.Open(options), settings);
    }

    private static IPort Captured<TPort>(TPort port, PortSettings settings)
        where TPort : class, IPort
    {
        if (settings.CaptureFile is not { } path)
        {
            return port;
        }

        try
        {
            return new CapturePort<TPort>(port, new CaptureFile(path, settings.Interface));
        }
        catch
        {
            port.Dispose();
            throw;
        }
    }

#if WITH_SHARPPCAP
    private static IPort OpenSharpPcap(PacketPortOptions options, PortSettings settings) =>
        Captured(PcieOe.Transport.SharpPcap.SharpPcapPort.Open(options), settings);
#else
    private static IPort OpenSharpPcap(PacketPortOptions options, PortSettings settings) =>
        throw new PortException($"{options.InterfaceName} cannot be opened: {SharpPcapMissing}");
#endif

    /// <summary>The Ethernet header that settings ask for.</summary>
    public static EthernetFraming Framing(PortSettings settings) => new(settings.EtherType, settings.VlanId, settings.Priority);
}
