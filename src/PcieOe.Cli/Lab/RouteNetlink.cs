using System.Runtime.InteropServices;
using System.Text;
using PcieOe.Transport.Interop;

namespace PcieOe.Cli.Lab;

/// <summary>
/// Makes, changes and deletes interfaces in the calling thread's network namespace (man 7 rtnetlink), so that a lab needs no 'ip' program.
/// Numbers are in the machine's byte order, as the kernel wants them.
/// </summary>
internal static unsafe class RouteNetlink
{
    private const int NetlinkFamily = 16;
    private const int RawCloseOnExec = 3 | 0x80000;

    private const ushort NewLink = 16;
    private const ushort DeleteLink = 17;
    private const ushort SetLink = 19;
    private const ushort NewQueueingDiscipline = 36;
    private const ushort Error = 2;
    private const ushort RequestWithAcknowledgement = 0x1 | 0x4;
    private const ushort CreateNew = 0x200 | 0x400;

    private const ushort AttributeName = 3;
    private const ushort AttributeMtu = 4;
    private const ushort AttributeMaster = 10;
    private const ushort AttributeLinkInfo = 18;
    private const ushort AttributeNamespaceDescriptor = 28;
    private const ushort LinkInfoKind = 1;
    private const ushort LinkInfoData = 2;
    private const ushort VethPeer = 1;
    private const uint InterfaceUp = 1;

    // linux/rtnetlink.h and linux/pkt_sched.h.
    private const uint RootOfTraffic = 0xFFFF_FFFF;
    private const ushort TrafficKind = 1;
    private const ushort TrafficOptions = 2;
    private const ushort TokenBucketParameters = 1;
    private const ushort TokenBucketBurst = 6;
    private const uint EthernetLinkLayer = 1;

    /// <summary>A pair of joined virtual Ethernet interfaces, both down: one here, the other in the namespace that a descriptor stands for.</summary>
    internal static void CreateVirtualEthernetPair(string name, string peerName, int peerNamespaceDescriptor, int mtu)
    {
        Message message = new(NewLink, CreateNew, 0, 0);
        message.Add(AttributeName, name);
        message.Add(AttributeMtu, (uint)mtu);
        int linkInfo = message.Begin(AttributeLinkInfo);
        message.Add(LinkInfoKind, "veth");
        int data = message.Begin(LinkInfoData);
        int peer = message.Begin(VethPeer);
        message.AddInterface(0, 0);
        message.Add(AttributeName, peerName);
        message.Add(AttributeMtu, (uint)mtu);
        message.Add(AttributeNamespaceDescriptor, (uint)peerNamespaceDescriptor);
        message.End(peer);
        message.End(data);
        message.End(linkInfo);
        Exchange(message, $"make the interfaces {name} and {peerName}");
    }

    /// <summary>A bridge, down.</summary>
    internal static void CreateBridge(string name)
    {
        Message message = new(NewLink, CreateNew, 0, 0);
        message.Add(AttributeName, name);
        int linkInfo = message.Begin(AttributeLinkInfo);
        message.Add(LinkInfoKind, "bridge");
        message.End(linkInfo);
        Exchange(message, $"make the bridge {name}");
    }

    /// <summary>Makes an interface a port of a bridge in the same namespace.</summary>
    internal static void SetMaster(string name, string bridge)
    {
        Message message = new(SetLink, 0, 0, 0);
        message.Add(AttributeName, name);
        message.Add(AttributeMaster, NamespaceCalls.InterfaceIndex(bridge));
        Exchange(message, $"join {name} to {bridge}");
    }

    /// <summary>Lets frames leave an interface at a rate (man 8 tc-tbf); what comes faster waits in one queue, and is dropped beyond its length.</summary>
    internal static void AddTokenBucket(string name, ulong bytesPerSecond, int burstBytes, int queueBytes)
    {
        Message message = new(NewQueueingDiscipline, CreateNew);
        message.AddTraffic(NamespaceCalls.InterfaceIndex(name), RootOfTraffic);
        message.Add(TrafficKind, "tbf");
        int options = message.Begin(TrafficOptions);
        int parameters = message.Begin(TokenBucketParameters);

        // struct tc_tbf_qopt: two struct tc_ratespec (the second, a peak rate, is none), then limit, buffer and MTU in ticks.
        message.AddNumbers(BitConverter.IsLittleEndian ? EthernetLinkLayer << 8 : EthernetLinkLayer << 16, 0, checked((uint)bytesPerSecond), 0, 0, 0, (uint)queueBytes, 0, 0);
        message.End(parameters);
        message.Add(TokenBucketBurst, (uint)burstBytes);
        message.End(options);
        Exchange(message, $"give {name} a rate (the kernel needs sch_tbf)");
    }

    internal static void SetMtu(string name, int mtu)
    {
        Message message = new(SetLink, 0, 0, 0);
        message.Add(AttributeName, name);
        message.Add(AttributeMtu, (uint)mtu);
        Exchange(message, $"set the MTU of {name} to {mtu}");
    }

    internal static void SetUp(string name, bool isUp)
    {
        Message message = new(SetLink, 0, isUp ? InterfaceUp : 0, InterfaceUp);
        message.Add(AttributeName, name);
        Exchange(message, $"take {name} {(isUp ? "up" : "down")}");
    }

    internal static void Delete(string name)
    {
        Message message = new(DeleteLink, 0, 0, 0);
        message.Add(AttributeName, name);
        Exchange(message, $"delete {name}");
    }

    private static void Exchange(Message message, string purpose)
    {
        int socket = LibC.Socket(NetlinkFamily, RawCloseOnExec, 0);
        try
        {
            byte[] bytes = message.Finish();
            Span<byte> answer = stackalloc byte[8192];
            nint received;
            fixed (byte* request = bytes, reply = answer)
            {
                received = LibC.Send(socket, request, (nuint)bytes.Length, 0) < 0 ? -1 : LibC.Receive(socket, reply, (nuint)answer.Length, 0);
            }

            // An answer is a struct nlmsgerr: its own header (16 bytes), then the negated error number, 0 for success.
            int error = received < 20 ? Marshal.GetLastPInvokeError()
                : MemoryMarshal.Read<ushort>(answer[4..]) == Error ? -MemoryMarshal.Read<int>(answer[16..]) : 0;
            if (received < 20 || error != 0)
            {
                throw new LabException($"Could not {purpose}: {Errno.Describe(error)}.");
            }
        }
        finally
        {
            _ = LibC.Close(socket);
        }
    }

    /// <summary>
    /// A struct nlmsghdr (16 bytes) with a struct ifinfomsg (16 bytes) or tcmsg (20 bytes) and attributes (length, type, value, padding to 4).
    /// </summary>
    private sealed class Message
    {
        private readonly List<byte> _bytes = [];

        internal Message(ushort type, ushort flags, uint interfaceFlags, uint interfaceFlagsChanged)
            : this(type, flags) => AddInterface(interfaceFlags, interfaceFlagsChanged);

        internal Message(ushort type, ushort flags)
        {
            AddNumber(0);
            Span<byte> half = stackalloc byte[4];
            MemoryMarshal.Write(half, type);
            MemoryMarshal.Write(half[2..], (ushort)(flags | RequestWithAcknowledgement));
            _bytes.AddRange(half);
            AddNumber(1);
            AddNumber(0);
        }

        /// <summary>A struct tcmsg; the kernel chooses the handle.</summary>
        internal void AddTraffic(uint interfaceIndex, uint parent) => AddNumbers(0, interfaceIndex, 0, parent, 0);

        internal void AddNumbers(params ReadOnlySpan<uint> numbers)
        {
            foreach (uint number in numbers)
            {
                AddNumber(number);
            }
        }

        internal void AddInterface(uint flags, uint flagsChanged)
        {
            AddNumber(0);
            AddNumber(0);
            AddNumber(flags);
            AddNumber(flagsChanged);
        }

        internal void Add(ushort type, string text)
        {
            int attribute = Begin(type);
            _bytes.AddRange(Encoding.UTF8.GetBytes(text));
            _bytes.Add(0);
            End(attribute);
        }

        internal void Add(ushort type, uint number)
        {
            int attribute = Begin(type);
            AddNumber(number);
            End(attribute);
        }

        internal int Begin(ushort type)
        {
            int start = _bytes.Count;
            AddNumber((uint)(BitConverter.IsLittleEndian ? type << 16 : type));
            return start;
        }

        internal void End(int start)
        {
            MemoryMarshal.Write(CollectionsMarshal.AsSpan(_bytes)[start..], (ushort)(_bytes.Count - start));
            while (_bytes.Count % 4 != 0)
            {
                _bytes.Add(0);
            }
        }

        internal byte[] Finish()
        {
            MemoryMarshal.Write(CollectionsMarshal.AsSpan(_bytes), (uint)_bytes.Count);
            return [.. _bytes];
        }

        private void AddNumber(uint number)
        {
            Span<byte> bytes = stackalloc byte[4];
            MemoryMarshal.Write(bytes, number);
            _bytes.AddRange(bytes);
        }
    }
}
