using System.Runtime.InteropServices;
using PcieOe.Protocol.Ethernet;
using PcieOe.Transport.Interop;

namespace PcieOe.Transport.Ports.Packet;

/// <summary>
/// A port on a Linux network interface: receives from a TPACKET_V2 ring polled in memory and sends with send, sendmsg and sendmmsg, the
/// fastest pair of those measured. Needs CAP_NET_RAW alone. It survives its interface: one that goes down, or is deleted and
/// made again under the same name, is found again by itself.
/// </summary>
public sealed class PacketPort : IPort
{
    // One look at a cheap clock in so many calls of Receive, one drain of the change listener in so many milliseconds, and one full look
    // at the interface a second even if nobody said that it changed (where netlink is forbidden, nobody does). While it is down each drain
    // is a look too: the kernel may tell of a cable plugged in as late as a second afterwards.
    private const int CallsBetweenClockReads = 64;
    private const long MillisecondsBetweenDrains = 20;
    private const long MillisecondsBetweenLooks = 1000;

    private readonly byte[] _encodedName;
    private readonly PacketSocket _socket;
    private readonly PacketSender _sender;
    private readonly LinkChangeListener _listener;
    private readonly PacketRing _ring;
    private PortCounters _counters;
    private int _boundIndex;
    private int _callsUntilClock = CallsBetweenClockReads;
    private long _nextDrain;
    private long _nextLook;

    private PacketPort(PacketPortOptions options, byte[] encodedName)
    {
        Name = options.InterfaceName;
        _encodedName = encodedName;
        _socket = new PacketSocket(options);
        _sender = new PacketSender();
        _listener = new LinkChangeListener();
        try
        {
            InterfaceFacts facts = FindInterface(options);
            MaximumTransmissionUnit = options.RequiredMtu ?? facts.MaximumTransmissionUnit;
            Address = facts.Address;
            _socket.Configure();
            _ring = PacketRing.Attach(_socket.Descriptor, Math.Max(facts.MaximumTransmissionUnit, MaximumTransmissionUnit), options.ReceiveSlots);
            if (!_socket.TryBind(facts.Index))
            {
                throw new PortException($"Could not receive from {Name}: {Errno.Describe(Marshal.GetLastPInvokeError())}.");
            }

            _boundIndex = facts.Index;
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public string Name { get; }

    public MacAddress Address { get; private set; }

    public int MaximumTransmissionUnit { get; }

    public PortState State { get; private set; } = PortState.Up;

    /// <summary>
    /// The socket, which also reports when its interface goes; while it is gone, that which tells of changes. Not both in an epoll set: then
    /// each frame would pay for a wait that nobody is in (about 100 ns, on the sender's core where the interfaces are virtual).
    /// </summary>
    public int PollDescriptor => State == PortState.Up || _listener.Descriptor < 0 ? _socket.Descriptor : _listener.Descriptor;

    public ref readonly PortCounters Counters => ref _counters;

    /// <summary>Opens a port in the calling thread's network namespace, where it stays whichever thread uses it.</summary>
    /// <exception cref="PortException">There is no such interface, it is down, its MTU is too small, or a privilege is missing.</exception>
    public static PacketPort Open(PacketPortOptions options)
    {
        Validate(options);
        byte[] encodedName = InterfaceQuery.EncodeName(options.InterfaceName)
            ?? throw new PortException($"'{options.InterfaceName}' cannot be the name of a network interface ('ip link' lists them).");
        return new PacketPort(options, encodedName);
    }

    public int Receive(Span<ReceivedFrame> batch)
    {
        if (--_callsUntilClock <= 0)
        {
            Watch();
        }

        return _ring.Take(batch, ref _counters);
    }

    public void Release() => _ring.Release();

    public int Send(ReadOnlySpan<OutgoingFrame> batch)
    {
        if (State != PortState.Up)
        {
            _counters.SendsWhileDown += batch.Length;
            return 0;
        }

        int sent = _sender.Send(_socket.Descriptor, batch, out int error);
        for (int i = 0; i < sent; i++)
        {
            _counters.BytesSent += batch[i].Length;
        }

        _counters.FramesSent += sent;
        if (error != 0)
        {
            OnSendError(error, batch.Length - sent);
        }

        return sent;
    }

    public void Dispose()
    {
        _ring?.Dispose();
        _listener.Dispose();
        _sender.Dispose();
        _socket.Dispose();
    }

    private static void Validate(PacketPortOptions options)
    {
        if (options.EtherType is < 0x0600 or > 0xFFFF)
        {
            throw new PortException($"EtherType 0x{options.EtherType:X4} is out of range: 0x0600 to 0xFFFF.");
        }

        if (options.VlanId is < 1 or > 4094)
        {
            throw new PortException($"VLAN {options.VlanId} is out of range: 1 to 4094.");
        }

        if (options.ReceiveSlots is < 16 or > 65536)
        {
            throw new PortException($"A receive ring of {options.ReceiveSlots} slots is out of range: 16 to 65536.");
        }

        if (options.Steering is { } steering && (steering.Workers < 1 || steering.Worker < 0 || steering.Worker >= steering.Workers))
        {
            throw new PortException($"Worker {steering.Worker} of {steering.Workers} cannot be: workers are numbered from 0.");
        }
    }

    private InterfaceFacts FindInterface(PacketPortOptions options)
    {
        if (!InterfaceQuery.TryGet(_socket.Descriptor, _encodedName, out InterfaceFacts facts))
        {
            throw new PortException($"There is no interface '{Name}' in this network namespace ('ip link' lists them).");
        }

        if (facts.HardwareType is not (InterfaceQuery.EthernetHardware or InterfaceQuery.LoopbackHardware))
        {
            throw new PortException($"{Name} is not an Ethernet interface (hardware type {facts.HardwareType}).");
        }

        if (!facts.IsUp)
        {
            throw new PortException($"{Name} is down: 'ip link set {Name} up'.");
        }

        if (facts.MaximumTransmissionUnit < options.RequiredMtu)
        {
            throw new PortException(
                $"{Name} has an MTU of {facts.MaximumTransmissionUnit}, and {options.RequiredMtu} is asked for: 'ip link set {Name} mtu {options.RequiredMtu}' " +
                "here and at the other end (and see that the switch between passes it), or ask for less (mtu).");
        }

        return facts;
    }

    private void OnSendError(int error, int unsent)
    {
        if (error is Errno.NetworkDown or Errno.NoSuchDevice or Errno.NoSuchDeviceOrAddress)
        {
            _counters.SendsWhileDown += unsent;
        }
        else
        {
            _counters.SendDrops += unsent;
        }

        if (error is not (Errno.TryAgain or Errno.NoBufferSpace))
        {
            Look(Environment.TickCount64);
        }
    }

    /// <summary>Looks at the interface if it is time to.</summary>
    private void Watch()
    {
        _callsUntilClock = CallsBetweenClockReads;
        long now = Environment.TickCount64;
        if (now < _nextDrain)
        {
            return;
        }

        _nextDrain = now + MillisecondsBetweenDrains;
        if (_listener.Drain() | _socket.TakeError() != 0 || now >= _nextLook || State != PortState.Up)
        {
            Look(now);
        }

        if (_ring.HasLosses)
        {
            _ring.HasLosses = false;
            _counters.ReceiveDrops += _socket.TakeDrops();
        }
    }

    private void Look(long now)
    {
        _nextLook = now + MillisecondsBetweenLooks;
        _ = _socket.TakeError();
        PortState state = PortState.Down;
        if (InterfaceQuery.TryGet(_socket.Descriptor, _encodedName, out InterfaceFacts facts) && IsBoundTo(facts.Index))
        {
            Address = facts.Address;
            state = !facts.IsUp || !facts.HasCarrier ? PortState.Down
                : facts.MaximumTransmissionUnit < MaximumTransmissionUnit ? PortState.MtuTooSmall
                : PortState.Up;
        }

        if (state == PortState.Up && State != PortState.Up)
        {
            _counters.Recoveries++;
        }

        State = state;
    }

    /// <summary>An interface made anew under the same name has a new index: the same socket, ring and all, is bound to it.</summary>
    private bool IsBoundTo(int index)
    {
        if (index != _boundIndex && _socket.TryBind(index))
        {
            _boundIndex = index;
        }

        return index == _boundIndex;
    }
}
