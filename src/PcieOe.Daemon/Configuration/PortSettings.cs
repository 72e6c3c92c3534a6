using PcieOe.Transport.Ports.Packet;

namespace PcieOe.Daemon.Configuration;

/// <summary>The Ethernet port of a daemon.</summary>
public sealed record PortSettings
{
    public const int SmallestMtu = 576;
    public const int LargestMtu = 9216;

    /// <summary>Of the protocol's frames.</summary>
    public const int DefaultEtherType = PacketPortOptions.DefaultEtherType;

    public const int SmallestEtherType = 0x0600;
    public const int LargestEtherType = 0xFFFF;

    /// <summary>Which implementation: "packet" (AF_PACKET) or "sharppcap" where that is built in.</summary>
    public string Kind { get; init; } = "packet";

    public required string Interface { get; init; }

    public int EtherType { get; init; } = DefaultEtherType;

    public int? VlanId { get; init; }

    public int Priority { get; init; }

    /// <summary>The MTU that the interface must have at least, and that is used; null: whatever it has.</summary>
    public int? MaximumTransmissionUnit { get; init; }

    public int ReceiveSlots { get; init; } = 1024;

    /// <summary>Where to write every frame as pcapng; null for nowhere.</summary>
    public string? CaptureFile { get; init; }

    public static PortSettings Read(ConfigurationReader reader)
    {
        string kind = reader.Text("kind") ?? "packet";
        if (kind is not ("packet" or "sharppcap"))
        {
            reader.Report("kind", $"is '{kind}', where one of these belongs: packet, sharppcap.");
        }

        int vlan = (int)reader.Integer("vlan", 0, 0, 4094);
        int mtu = (int)reader.Integer("mtu", 0, 0, LargestMtu);
        if (mtu is > 0 and < SmallestMtu)
        {
            reader.Report("mtu", $"is {mtu}, and {SmallestMtu} is the least that works (1500 is usual, 9000 is fast).");
        }

        return new PortSettings
        {
            Kind = kind,
            Interface = reader.RequiredText("interface", "the Ethernet interface to use, as 'ip link' names it"),
            EtherType = (int)reader.Integer("etherType", DefaultEtherType, SmallestEtherType, LargestEtherType),
            VlanId = vlan == 0 ? null : vlan,
            Priority = (int)reader.Integer("priority", 0, 0, 7),
            MaximumTransmissionUnit = mtu == 0 ? null : mtu,
            ReceiveSlots = (int)reader.Integer("receiveSlots", 1024, 16, 65536),
            CaptureFile = reader.Text("captureFile"),
        };
    }
}
