using System.Buffers.Binary;
using PcieOe.Protocol.Ethernet;
using PcieOe.Transport.Interop;
using PcieOe.Transport.Ports;
using PcieOe.Transport.Ports.Impairment;
using PcieOe.Transport.Ports.Packet;

namespace PcieOe.Cli.Impair;

/// <summary>One direction of an <see cref="ImpairmentRelay"/>.</summary>
internal sealed unsafe class RelayDirection : IDisposable
{
    private const int BatchFrames = 32;
    private const int HeaderStride = 32;

    private readonly PacketPort _from;
    private readonly PacketPort _to;
    private readonly ImpairmentQueue _line;
    private readonly ReceivedFrame[] _received = new ReceivedFrame[BatchFrames];
    private readonly ImpairedFrame[] _taken = new ImpairedFrame[BatchFrames];
    private readonly OutgoingFrame[] _outgoing = new OutgoingFrame[BatchFrames];
    private readonly NativeBuffer _headers = new(BatchFrames * HeaderStride);
    private long _refused;

    internal RelayDirection(PacketPort from, PacketPort to, ImpairmentOptions options)
    {
        _from = from;
        _to = to;
        _line = new ImpairmentQueue(options, from.MaximumTransmissionUnit);
    }

    internal long NextDeadline => _line.NextDeadline;

    /// <summary>Takes in what has come and sends what is due. True if there was anything.</summary>
    internal bool Round(long now)
    {
        int received = _from.Receive(_received);
        for (int i = 0; i < received; i++)
        {
            ref readonly ReceivedFrame frame = ref _received[i];
            _line.Offer(frame.Bytes, default, frame.TimestampNanoseconds, frame.VlanTag, now);
        }

        _from.Release();
        int count = 0;
        while (count < BatchFrames && _line.TryTake(now, out ImpairedFrame frame))
        {
            _taken[count] = frame;
            _outgoing[count] = MakeOutgoing(frame, count);
            count++;
        }

        if (count > 0)
        {
            _refused += count - _to.Send(_outgoing.AsSpan(0, count));
        }

        for (int i = 0; i < count; i++)
        {
            _line.Release(_taken[i]);
        }

        return received + count > 0;
    }

    internal DirectionReport Report() => DirectionReport.Of(_from.Name, _to.Name, _line.Counters, _refused);

    public void Dispose()
    {
        _line.Dispose();
        _headers.Dispose();
    }

    /// <summary>The kernel took the 802.1Q tag off: it goes back between the addresses and the EtherType.</summary>
    private OutgoingFrame MakeOutgoing(in ImpairedFrame frame, int index)
    {
        if (frame.VlanTag == 0)
        {
            return new OutgoingFrame { Header = frame.Data, HeaderLength = frame.Length };
        }

        int addresses = 2 * MacAddress.Length;
        byte* header = _headers.Pointer + index * HeaderStride;
        Span<byte> bytes = new(header, EthernetHeader.TaggedLength - 2);
        new ReadOnlySpan<byte>(frame.Data, addresses).CopyTo(bytes);
        BinaryPrimitives.WriteUInt16BigEndian(bytes[addresses..], EthernetHeader.VlanEtherType);
        BinaryPrimitives.WriteUInt16BigEndian(bytes[(addresses + 2)..], frame.VlanTag);
        return new OutgoingFrame { Header = header, HeaderLength = bytes.Length, Content = frame.Data + addresses, ContentLength = frame.Length - addresses };
    }
}
