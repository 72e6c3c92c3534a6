using System.Runtime.InteropServices;

namespace PcieOe.Transport.Interop;

/// <summary>Numbers and structures of AF_PACKET (linux/if_packet.h, linux/filter.h; man 7 packet).</summary>
internal static class PacketSocketAbi
{
    internal const int AddressFamily = 17;
    internal const int RawNonBlockingCloseOnExec = 3 | 0x800 | 0x80000;
    internal const ushort AllProtocols = 0x0003;

    internal const int SocketLevel = 1;
    internal const int SocketError = 4;
    internal const int SendBuffer = 7;
    internal const int AttachFilter = 26;

    internal const int PacketLevel = 263;
    internal const int AddMembership = 1;
    internal const int ReceiveRing = 5;
    internal const int Statistics = 6;
    internal const int Version = 10;
    internal const int IgnoreOutgoing = 23;

    internal const int Version2 = 1;
    internal const ushort MembershipMulticast = 0;
    internal const ushort MembershipPromiscuous = 1;

    internal const uint StatusKernel = 0;
    internal const uint StatusUser = 1;
    internal const uint StatusLosing = 1 << 2;
    internal const uint StatusVlanValid = 1 << 4;

    internal const int DoNotWait = 0x40;
}

/// <summary><c>struct sockaddr_ll</c>. <see cref="Protocol"/> is big-endian.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct LinkLayerAddress
{
    public ushort Family;
    public ushort Protocol;
    public int InterfaceIndex;
    public ushort HardwareType;
    public byte PacketType;
    public byte AddressLength;
    public fixed byte Address[8];
}

/// <summary><c>struct tpacket2_hdr</c>: the head of a slot of the receive ring.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct RingSlotHeader
{
    /// <summary>sizeof(tpacket2_hdr) rounded to 16, then a sockaddr_ll: what lies before the frame at the least.</summary>
    public const int BytesWithAddress = 52;

    public uint Status;
    public uint FrameLength;
    public uint CapturedLength;
    public ushort FrameOffset;
    public ushort NetworkOffset;
    public uint Seconds;
    public uint Nanoseconds;
    public ushort VlanTag;
    public ushort VlanProtocol;
    public uint Padding;
}

/// <summary><c>struct tpacket_req</c>: the shape of a ring.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct RingRequest
{
    public uint BlockBytes;
    public uint BlockCount;
    public uint SlotBytes;
    public uint SlotCount;
}

/// <summary><c>struct tpacket_stats</c>: counted since it was last read.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct RingStatistics
{
    public uint Packets;
    public uint Drops;
}

/// <summary><c>struct packet_mreq</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct MembershipRequest
{
    public int InterfaceIndex;
    public ushort Type;
    public ushort AddressLength;
    public fixed byte Address[8];
}

/// <summary><c>struct sock_filter</c>: one instruction of classic BPF.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct FilterInstruction(ushort Code, byte JumpTrue, byte JumpFalse, uint Operand);

/// <summary><c>struct sock_fprog</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct FilterProgram
{
    public ushort Length;
    public FilterInstruction* Instructions;
}
