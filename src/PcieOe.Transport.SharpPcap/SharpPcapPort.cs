using PcieOe.Protocol.Ethernet;
using PcieOe.Transport.Interop;
using PcieOe.Transport.Ports;
using PcieOe.Transport.Ports.Packet;
using PcieOe.Transport.SharpPcap.Interop;
using SharpPcap;

namespace PcieOe.Transport.SharpPcap;

/// <summary>
/// A port on a network interface by way of SharpPcap and libpcap: for whoever has these already, and for comparison. Each frame is copied
/// once on either way and sent by itself; <see cref="PacketPort"/> does neither and is the default. Its contract is the same but for
/// this: it drops what VLAN it is not to see after the kernel's filter, and allocates a few bytes a second (libpcap's statistics).
/// </summary>
public sealed unsafe class SharpPcapPort : IPort
{
    private const int BatchFrames = 64;
    private const int CallsBetweenClockReads = 64;
    private const long MillisecondsBetweenLooks = 1000;
    private const int InternetFamily = 2;
    private const int DatagramCloseOnExec = 2 | 0x80000;

    private readonly PacketPortOptions _options;
    private readonly byte[] _encodedName;
    private readonly int _querySocket;
    private readonly FrameSlots _received;
    private readonly NativeBuffer _outgoing;
    private LiveDevice? _device;
    private PortCounters _counters;
    private int _boundIndex;
    private int _callsUntilClock = CallsBetweenClockReads;
    private long _nextLook;

    private SharpPcapPort(PacketPortOptions options, byte[] encodedName)
    {
        _options = options;
        _encodedName = encodedName;
        _querySocket = LibC.Socket(InternetFamily, DatagramCloseOnExec, 0);
        InterfaceFacts facts = FindInterface();
        MaximumTransmissionUnit = options.RequiredMtu ?? facts.MaximumTransmissionUnit;
        int frameBytes = EthernetHeader.TaggedLength + Math.Max(facts.MaximumTransmissionUnit, MaximumTransmissionUnit);
        _received = new FrameSlots(BatchFrames, frameBytes);
        _outgoing = new NativeBuffer(EthernetHeader.TaggedLength + MaximumTransmissionUnit);
        Bind(facts);
    }

    public string Name => _options.InterfaceName;

    public MacAddress Address { get; private set; }

    public int MaximumTransmissionUnit { get; }

    public PortState State { get; private set; }

    /// <summary>libpcap's packet socket; -1 while the interface is gone, when only time can tell.</summary>
    public int PollDescriptor => State == PortState.Up ? _device!.Descriptor : -1;

    public ref readonly PortCounters Counters => ref _counters;

    /// <summary>Opens a port in the calling thread's network namespace. An interface that was deleted and made anew is found by the thread that polls.</summary>
    /// <exception cref="PortException">There is no such interface, it is down, its MTU is too small, or libpcap or a privilege is missing.</exception>
    public static SharpPcapPort Open(PacketPortOptions options)
    {
        if (options.Steering is not null)
        {
            throw new PortException("The port \"sharppcap\" serves one worker; \"packet\" serves several.");
        }

        byte[] encodedName = InterfaceQuery.EncodeName(options.InterfaceName)
            ?? throw new PortException($"'{options.InterfaceName}' cannot be the name of a network interface ('ip link' lists them).");
        return new SharpPcapPort(options, encodedName);
    }

    public int Receive(Span<ReceivedFrame> batch)
    {
        if (--_callsUntilClock <= 0)
        {
            Watch();
        }

        int count = 0;
        while (count < batch.Length && !_received.IsFull && _device is { } device)
        {
            nint header = 0, data = 0;
            int result = device.GetNextPacketPointers(ref header, ref data);
            if (result < 0)
            {
                Look(Environment.TickCount64);
            }

            if (result != 1)
            {
                break;
            }

            if (_received.TryAdd((CapturedHeader*)header, (byte*)data, out ReceivedFrame frame) && IsOfThisVlan(frame.VlanTag))
            {
                batch[count++] = frame;
                _counters.BytesReceived += frame.Length;
            }
        }

        _counters.FramesReceived += count;
        return count;
    }

    public void Release() => _received.Clear();

    public int Send(ReadOnlySpan<OutgoingFrame> batch)
    {
        if (State != PortState.Up)
        {
            _counters.SendsWhileDown += batch.Length;
            return 0;
        }

        for (int i = 0; i < batch.Length; i++)
        {
            ref readonly OutgoingFrame frame = ref batch[i];
            if (!TrySend(in frame))
            {
                _counters.SendDrops += batch.Length - i;
                return i;
            }

            _counters.FramesSent++;
            _counters.BytesSent += frame.Length;
        }

        return batch.Length;
    }

    public void Dispose()
    {
        _device?.Dispose();
        _received.Dispose();
        _outgoing.Dispose();
        _ = LibC.Close(_querySocket);
    }

    private bool TrySend(ref readonly OutgoingFrame frame)
    {
        if (frame.Length > _outgoing.Bytes)
        {
            return false;
        }

        Span<byte> whole = new(_outgoing.Pointer, frame.Length);
        new ReadOnlySpan<byte>(frame.Header, frame.HeaderLength).CopyTo(whole);
        new ReadOnlySpan<byte>(frame.Content, frame.ContentLength).CopyTo(whole[frame.HeaderLength..]);
        try
        {
            _device!.SendPacket(whole);
            return true;
        }
        catch (PcapException)
        {
            // SharpPcap has no other way to say so, and not why: full buffers, or an interface that went down.
            Look(Environment.TickCount64);
            return false;
        }
    }

    private bool IsOfThisVlan(ushort tag) => _options.EtherType is null || (tag & 0xFFF) == (_options.VlanId ?? 0);

    private InterfaceFacts FindInterface()
    {
        if (!InterfaceQuery.TryGet(_querySocket, _encodedName, out InterfaceFacts facts))
        {
            throw new PortException($"There is no interface '{Name}' in this network namespace ('ip link' lists them).");
        }

        if (!facts.IsUp)
        {
            throw new PortException($"{Name} is down: 'ip link set {Name} up'.");
        }

        return facts.MaximumTransmissionUnit < _options.RequiredMtu
            ? throw new PortException($"{Name} has an MTU of {facts.MaximumTransmissionUnit}, and {_options.RequiredMtu} is asked for: 'ip link set {Name} mtu {_options.RequiredMtu}' here and at the other end, or ask for less (mtu).")
            : facts;
    }

    private void Bind(in InterfaceFacts facts)
    {
        _device = LiveDevice.Open(_options, facts.MaximumTransmissionUnit, facts.Address);
        _boundIndex = facts.Index;
        Address = facts.Address;
        State = PortState.Up;
    }

    private void Watch()
    {
        _callsUntilClock = CallsBetweenClockReads;
        long now = Environment.TickCount64;
        if (now >= _nextLook)
        {
            Look(now);
        }
    }

    private void Look(long now)
    {
        _nextLook = now + MillisecondsBetweenLooks;
        PortState state = PortState.Down;
        if (InterfaceQuery.TryGet(_querySocket, _encodedName, out InterfaceFacts facts) && facts.IsUp && facts.HasCarrier)
        {
            state = facts.MaximumTransmissionUnit < MaximumTransmissionUnit ? PortState.MtuTooSmall : PortState.Up;
        }

        if (state != PortState.Up)
        {
            State = state;
        }
        else if (State != PortState.Up || facts.Index != _boundIndex || facts.Address != Address)
        {
            BindAgain(facts);
        }
        else
        {
            _counters.ReceiveDrops = _device!.Statistics.DroppedPackets;
        }
    }

    /// <summary>An interface that was down, made anew or renumbered takes a device and a filter of its own; until it has them it counts as down.</summary>
    private void BindAgain(in InterfaceFacts facts)
    {
        State = PortState.Down;
        _device?.Dispose();
        _device = null;
        try
        {
            Bind(facts);
            _counters.Recoveries++;
        }
        catch (PortException)
        {
            // Gone again, or not ready: the next look tries anew.
        }
    }
}
