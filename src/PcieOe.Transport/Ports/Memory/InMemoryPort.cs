using PcieOe.Protocol.Ethernet;
using PcieOe.Transport.Interop;
using PcieOe.Transport.Polling;

namespace PcieOe.Transport.Ports.Memory;

/// <summary>
/// A port of an <see cref="InMemoryHub"/>. A unicast frame that finds its ring full is not taken; of a multicast, those who have no room
/// lose it.
/// </summary>
public sealed class InMemoryPort : IPort
{
    private readonly InMemoryHub _hub;
    private readonly int _position;
    private readonly EventDescriptor _arrival = new();
    private readonly int[] _peeked;
    private PortCounters _counters;
    private int _firstRing;
    private int _isWaiting;
    private bool _maySignal;

    internal InMemoryPort(InMemoryHub hub, int position, int maximumTransmissionUnit)
    {
        _hub = hub;
        _position = position;
        _peeked = new int[hub.Ports.Count];
        MaximumTransmissionUnit = maximumTransmissionUnit;
        Name = $"memory{position}";
        Address = InMemoryHub.AddressOf(position);
    }

    public string Name { get; }

    public MacAddress Address { get; }

    public int MaximumTransmissionUnit { get; }

    public PortState State => PortState.Up;

    /// <summary>
    /// Reading it announces that its owner is about to wait: senders signal only then. Announcement and look at the rings here, frame and
    /// look at the announcement there, each with a full fence between, so that one of the two sees the other.
    /// </summary>
    public int PollDescriptor
    {
        get
        {
            _maySignal = true;
            Volatile.Write(ref _isWaiting, 1);
            Interlocked.MemoryBarrier();
            for (int from = 0; from < _peeked.Length; from++)
            {
                if (_hub.RingBetween(from, _position) is { IsEmpty: false })
                {
                    SignalIfWaiting();
                    break;
                }
            }

            return _arrival.Descriptor;
        }
    }

    public ref readonly PortCounters Counters => ref _counters;

    public int Receive(Span<ReceivedFrame> batch)
    {
        if (_maySignal)
        {
            _maySignal = false;
            Volatile.Write(ref _isWaiting, 0);
            _arrival.Clear();
        }

        int count = 0;
        for (int i = 0; i < _peeked.Length && count < batch.Length; i++)
        {
            // The first to be asked changes, so that a busy sender cannot keep the others out.
            int from = (_firstRing + i) % _peeked.Length;
            if (_hub.RingBetween(from, _position) is { } ring)
            {
                int peeked = ring.Peek(batch[count..]);
                _peeked[from] = peeked;
                count += peeked;
            }
        }

        for (int i = 0; i < count; i++)
        {
            _counters.BytesReceived += batch[i].Length;
        }

        _counters.FramesReceived += count;
        return count;
    }

    public void Release()
    {
        for (int from = 0; from < _peeked.Length; from++)
        {
            if (_peeked[from] > 0)
            {
                _hub.RingBetween(from, _position)!.Release(_peeked[from]);
                _peeked[from] = 0;
            }
        }

        _firstRing = (_firstRing + 1) % _peeked.Length;
    }

    public int Send(ReadOnlySpan<OutgoingFrame> batch)
    {
        long timestamp = MonotonicClock.RealtimeNanoseconds;
        int sent = 0;
        while (sent < batch.Length && TrySend(batch[sent], timestamp))
        {
            _counters.BytesSent += batch[sent].Length;
            sent++;
        }

        _counters.FramesSent += sent;
        _counters.SendDrops += batch.Length - sent;
        if (sent > 0)
        {
            Interlocked.MemoryBarrier();
            foreach (InMemoryPort port in _hub.PortArray)
            {
                if (port != this && Volatile.Read(ref port._isWaiting) != 0)
                {
                    port.SignalIfWaiting();
                }
            }
        }

        return sent;
    }

    /// <summary>The hub, not the port, owns what there is to let go of: the others may still be sending to this one.</summary>
    public void Dispose()
    {
    }

    internal void Close() => _arrival.Dispose();

    private unsafe bool TrySend(in OutgoingFrame frame, long timestamp)
    {
        if (frame.HeaderLength < EthernetHeader.UntaggedLength)
        {
            return false;
        }

        MacAddress destination = MacAddress.Read(new ReadOnlySpan<byte>(frame.Header, MacAddress.Length));
        if (!destination.IsMulticast)
        {
            // A frame that nobody has the address for is lost, as on a wire.
            int to = _hub.Find(destination);
            return to < 0 || to == _position || _hub.RingBetween(_position, to)!.TryPut(frame, timestamp);
        }

        for (int to = 0; to < _peeked.Length; to++)
        {
            _hub.RingBetween(_position, to)?.TryPut(frame, timestamp);
        }

        return true;
    }

    /// <summary>From any thread. Only one of those who see the announcement signals.</summary>
    private void SignalIfWaiting()
    {
        if (Interlocked.Exchange(ref _isWaiting, 0) != 0)
        {
            _arrival.Signal();
        }
    }
}
