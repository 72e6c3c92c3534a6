using PcieOe.Protocol.Ethernet;

namespace PcieOe.Transport.Ports.Packet;

/// <summary>How a <see cref="PacketPort"/> is opened.</summary>
public sealed record PacketPortOptions
{
    /// <summary>IEEE Std 802 local experimental EtherType 1.</summary>
    public const int DefaultEtherType = 0x88B5;

    public const int DefaultReceiveSlots = 1024;

    public required string InterfaceName { get; init; }

    /// <summary>The kernel hands over frames of this EtherType alone; null: of every EtherType.</summary>
    public int? EtherType { get; init; } = DefaultEtherType;

    /// <summary>
    /// The 802.1Q VLAN whose frames are handed over, 1 to 4094; null: untagged and priority-tagged frames. Without meaning where
    /// <see cref="EtherType"/> is null. Frames sent carry the tag that their header has.
    /// </summary>
    public int? VlanId { get; init; }

    /// <summary>Payload bytes of a frame that must fit; null: whatever the interface's MTU is when the port is opened.</summary>
    public int? RequiredMtu { get; init; }

    /// <summary>Frames the ring holds; rounded up to whole blocks.</summary>
    public int ReceiveSlots { get; init; } = DefaultReceiveSlots;

    /// <summary>Groups whose frames the interface is to let in.</summary>
    public IReadOnlyList<MacAddress> MulticastGroups { get; init; } = [];

    /// <summary>Also frames for other stations.</summary>
    public bool Promiscuous { get; init; }

    /// <summary>Which of the frames are this port's, where several workers have a port each on one interface; null: all.</summary>
    public PacketSteering? Steering { get; init; }
}

/// <summary>
/// Several ports on one interface, one for each worker: each lets in the frames whose <i>session id modulo workers</i> is its own number.
/// The filter of each decides, rather than PACKET_FANOUT: so the assignment depends neither on the order of opening nor on who is
/// still there, and a socket can be bound anew when its interface was made anew, which a member of a fanout group cannot.
/// </summary>
/// <param name="Worker">0 to <paramref name="Workers"/> - 1. Worker 0 also gets session id 0: frames before there is a session.</param>
/// <param name="SessionIdOffset">Where the session id (4 bytes, big-endian) begins, counted from the end of the Ethernet header.</param>
public sealed record PacketSteering(int Worker, int Workers, int SessionIdOffset);
