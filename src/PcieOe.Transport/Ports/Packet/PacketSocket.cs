using System.Buffers.Binary;
using System.Runtime.InteropServices;
using PcieOe.Protocol.Ethernet;
using PcieOe.Transport.Interop;

namespace PcieOe.Transport.Ports.Packet;

/// <summary>
/// The AF_PACKET socket of a port (man 7 packet): opened without a protocol, so that nothing comes before filter and ring are in place,
/// then bound. Errors while opening become <see cref="PortException"/>s that say what to do.
/// </summary>
internal sealed unsafe class PacketSocket : IDisposable
{
    // The kernel grants what net.core.wmem_max allows without a word; more needs a privilege that the daemons do not have.
    private const int WantedSendBufferBytes = 4 * 1024 * 1024;

    private readonly PacketPortOptions _options;
    private int _descriptor;

    internal PacketSocket(PacketPortOptions options)
    {
        _options = options;
        _descriptor = LibC.Socket(PacketSocketAbi.AddressFamily, PacketSocketAbi.RawNonBlockingCloseOnExec, 0);
        if (_descriptor < 0)
        {
            throw SocketError(Marshal.GetLastPInvokeError());
        }
    }

    ~PacketSocket() => Close();

    internal int Descriptor => _descriptor;

    /// <summary>The filter, and what else must be set before frames come.</summary>
    internal void Configure()
    {
        SetOption(PacketSocketAbi.PacketLevel, PacketSocketAbi.Version, PacketSocketAbi.Version2, "choose the version of the receive ring");
        AttachFilter();

        // Kernels before 4.20 lack it; the filter drops the port's own frames too, only later.
        int one = 1;
        _ = LibC.SetSocketOption(_descriptor, PacketSocketAbi.PacketLevel, PacketSocketAbi.IgnoreOutgoing, &one, sizeof(int));
        int sendBufferBytes = WantedSendBufferBytes;
        _ = LibC.SetSocketOption(_descriptor, PacketSocketAbi.SocketLevel, PacketSocketAbi.SendBuffer, &sendBufferBytes, sizeof(int));
    }

    /// <summary>
    /// Starts reception from an interface, and asks it for the groups. Every protocol is asked for: a socket that asks for one alone is
    /// served after the kernel has thrown the 802.1Q tag away. The filter does the rest.
    /// </summary>
    internal bool TryBind(int interfaceIndex)
    {
        LinkLayerAddress address = new()
        {
            Family = PacketSocketAbi.AddressFamily,
            Protocol = BinaryPrimitives.ReverseEndianness(PacketSocketAbi.AllProtocols),
            InterfaceIndex = interfaceIndex,
        };
        if (LibC.Bind(_descriptor, &address, (uint)sizeof(LinkLayerAddress)) < 0)
        {
            return false;
        }

        bool joined = true;
        foreach (MacAddress group in _options.MulticastGroups)
        {
            joined &= Join(interfaceIndex, PacketSocketAbi.MembershipMulticast, group);
        }

        return joined && (!_options.Promiscuous || Join(interfaceIndex, PacketSocketAbi.MembershipPromiscuous, default));
    }

    /// <summary>Takes the error that waits on the socket, such as ENETDOWN, so that it is seen once.</summary>
    internal int TakeError()
    {
        int error = 0;
        uint length = sizeof(int);
        _ = LibC.GetSocketOption(_descriptor, PacketSocketAbi.SocketLevel, PacketSocketAbi.SocketError, &error, &length);
        return error;
    }

    /// <summary>Frames dropped for want of slots since the last call.</summary>
    internal uint TakeDrops()
    {
        RingStatistics statistics = default;
        uint length = (uint)sizeof(RingStatistics);
        return LibC.GetSocketOption(_descriptor, PacketSocketAbi.PacketLevel, PacketSocketAbi.Statistics, &statistics, &length) < 0
            ? 0
            : statistics.Drops;
    }

    public void Dispose()
    {
        Close();
        GC.SuppressFinalize(this);
    }

    internal static PortException SocketError(int error) => error is Errno.NotPermitted or Errno.AccessDenied
        ? new PortException(
            "Raw Ethernet needs the capability CAP_NET_RAW: run as root, or give it to the service (systemd: AmbientCapabilities=CAP_NET_RAW) " +
            "or to the program (setcap cap_net_raw+ep FILE).")
        : new PortException($"Could not open a packet socket: {Errno.Describe(error)}. The kernel needs CONFIG_PACKET.");

    private bool Join(int interfaceIndex, ushort type, MacAddress group)
    {
        MembershipRequest request = new() { InterfaceIndex = interfaceIndex, Type = type, AddressLength = MacAddress.Length };
        group.Write(new Span<byte>(request.Address, MacAddress.Length));
        return LibC.SetSocketOption(_descriptor, PacketSocketAbi.PacketLevel, PacketSocketAbi.AddMembership, &request, (uint)sizeof(MembershipRequest)) == 0;
    }

    private void AttachFilter()
    {
        FilterInstruction[] instructions = PacketFilter.Build(_options);
        fixed (FilterInstruction* first = instructions)
        {
            FilterProgram program = new() { Length = (ushort)instructions.Length, Instructions = first };
            if (LibC.SetSocketOption(_descriptor, PacketSocketAbi.SocketLevel, PacketSocketAbi.AttachFilter, &program, (uint)sizeof(FilterProgram)) < 0)
            {
                throw OptionError("attach the filter");
            }
        }
    }

    private void SetOption(int level, int option, int value, string purpose)
    {
        if (LibC.SetSocketOption(_descriptor, level, option, &value, sizeof(int)) < 0)
        {
            throw OptionError(purpose);
        }
    }

    private PortException OptionError(string purpose) =>
        new($"Could not {purpose} on {_options.InterfaceName}: {Errno.Describe(Marshal.GetLastPInvokeError())}.");

    private void Close()
    {
        int descriptor = Interlocked.Exchange(ref _descriptor, -1);
        if (descriptor >= 0)
        {
            _ = LibC.Close(descriptor);
        }
    }
}
