using System.Runtime.InteropServices;
using System.Text;
using PcieOe.Protocol.Ethernet;

namespace PcieOe.Transport.Interop;

/// <summary>What the kernel says about a network interface at one moment.</summary>
internal readonly record struct InterfaceFacts(int Index, bool IsUp, bool HasCarrier, int MaximumTransmissionUnit, MacAddress Address, ushort HardwareType);

/// <summary>Asks about an interface by its name (man 7 netdevice), in the network namespace of the socket asked. Allocates nothing.</summary>
internal static unsafe class InterfaceQuery
{
    /// <summary>The longest name without its terminator.</summary>
    internal const int MaximumNameBytes = 15;

    /// <summary>ARPHRD_ETHER and ARPHRD_LOOPBACK: both carry Ethernet headers.</summary>
    internal const ushort EthernetHardware = 1;
    internal const ushort LoopbackHardware = 772;

    private const nuint GetFlags = 0x8913;
    private const nuint GetMaximumTransmissionUnit = 0x8921;
    private const nuint GetHardwareAddress = 0x8927;
    private const nuint GetIndex = 0x8933;
    private const nuint EthernetTool = 0x8946;
    private const uint GetLink = 0x0000000A;
    private const int FlagUp = 0x1;
    private const int FlagRunning = 0x40;

    /// <summary><c>struct ifreq</c>: the name, then a union, of which the first bytes are used here.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 40)]
    private struct InterfaceRequest
    {
        [FieldOffset(0)]
        public fixed byte Name[16];

        [FieldOffset(16)]
        public int Number;

        [FieldOffset(16)]
        public EthernetToolValue* Value;

        [FieldOffset(16)]
        public ushort ShortNumber;

        /// <summary>sa_data of a struct sockaddr.</summary>
        [FieldOffset(18)]
        public fixed byte HardwareAddress[14];
    }

    /// <summary><c>struct ethtool_value</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct EthernetToolValue
    {
        public uint Command;
        public uint Data;
    }

    /// <summary>The name as the kernel wants it, zero-terminated; null if it cannot be an interface's name.</summary>
    internal static byte[]? EncodeName(string name)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(name);
        if (bytes.Length is 0 or > MaximumNameBytes || bytes.AsSpan().ContainsAny("/ \t\n\0"u8))
        {
            return null;
        }

        Array.Resize(ref bytes, MaximumNameBytes + 1);
        return bytes;
    }

    /// <summary>False when there is no such interface.</summary>
    internal static bool TryGet(int socket, ReadOnlySpan<byte> encodedName, out InterfaceFacts facts)
    {
        facts = default;
        InterfaceRequest request = default;
        encodedName.CopyTo(new Span<byte>(request.Name, 16));
        if (LibC.IoControl(socket, GetIndex, &request) < 0)
        {
            return false;
        }

        int index = request.Number;
        if (LibC.IoControl(socket, GetFlags, &request) < 0)
        {
            return false;
        }

        int flags = request.ShortNumber;
        if (LibC.IoControl(socket, GetMaximumTransmissionUnit, &request) < 0)
        {
            return false;
        }

        int maximumTransmissionUnit = request.Number;
        if (LibC.IoControl(socket, GetHardwareAddress, &request) < 0)
        {
            return false;
        }

        MacAddress address = MacAddress.Read(new ReadOnlySpan<byte>(request.HardwareAddress, MacAddress.Length));
        ushort hardware = request.ShortNumber;
        facts = new InterfaceFacts(index, (flags & FlagUp) != 0, HasCarrier(socket, ref request, flags), maximumTransmissionUnit, address, hardware);
        return true;
    }

    /// <summary>
    /// The flag "running" is set from a queue that the kernel works off at most once a second, and later while it is busy with other
    /// interfaces: one that has just come up would seem dead for so long. So the driver is asked where the flag is missing, and only there:
    /// that takes a lock which the flag does not.
    /// </summary>
    private static bool HasCarrier(int socket, ref InterfaceRequest request, int flags)
    {
        if ((flags & FlagRunning) != 0)
        {
            return true;
        }

        EthernetToolValue value = new() { Command = GetLink };
        request.Value = &value;
        fixed (InterfaceRequest* pointer = &request)
        {
            return LibC.IoControl(socket, EthernetTool, pointer) >= 0 && value.Data != 0;
        }
    }
}
