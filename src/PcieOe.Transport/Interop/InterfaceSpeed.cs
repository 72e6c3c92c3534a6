using System.Runtime.InteropServices;

namespace PcieOe.Transport.Interop;

/// <summary>What rate an interface says its link has (ETHTOOL_GSET of linux/ethtool.h, which every driver still answers).</summary>
public static unsafe class InterfaceSpeed
{
    private const nuint EthernetTool = 0x8946;
    private const uint GetSettings = 1;
    private const int UnixFamily = 1;
    private const int DatagramCloseOnExec = 2 | 0x80000;
    private const uint Unknown = uint.MaxValue;

    /// <summary>Megabits a second; null where the interface does not say (no link, or a virtual one without a rate) or is not there.</summary>
    public static double? Read(string interfaceName)
    {
        if (InterfaceQuery.EncodeName(interfaceName) is not { } name)
        {
            return null;
        }

        int socket = LibC.Socket(UnixFamily, DatagramCloseOnExec, 0);
        if (socket < 0)
        {
            return null;
        }

        try
        {
            Settings settings = new() { Command = GetSettings };
            Request request = default;
            name.CopyTo(new Span<byte>(request.Name, 16));
            request.Data = &settings;
            if (LibC.IoControl(socket, EthernetTool, &request) < 0)
            {
                return null;
            }

            uint speed = (uint)settings.SpeedHigh << 16 | settings.Speed;
            return speed is 0 or Unknown or ushort.MaxValue ? null : speed;
        }
        finally
        {
            _ = LibC.Close(socket);
        }
    }

    /// <summary><c>struct ifreq</c> with its pointer.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 40)]
    private struct Request
    {
        public fixed byte Name[16];
        public void* Data;
    }

    /// <summary><c>struct ethtool_cmd</c>.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 44)]
    private struct Settings
    {
        [FieldOffset(0)]
        public uint Command;

        [FieldOffset(12)]
        public ushort Speed;

        [FieldOffset(28)]
        public ushort SpeedHigh;
    }
}
