using PcieOe.Protocol.Ethernet;
using PcieOe.Transport.Interop;
using PcieOe.Transport.Ports;
using PcieOe.Transport.Ports.Packet;

namespace PcieOe.Cli.LinkBench;

/// <summary>Frames of the raw measurements, in native memory: the Ethernet and link headers' bytes as one piece, the rest as another.</summary>
internal sealed unsafe class RawFrame : IDisposable
{
    private const int LinkHeaderBytes = 48;

    private readonly NativeBuffer _memory;
    private readonly OutgoingFrame[] _batch;

    /// <param name="payloadBytes">Ethernet payload of each frame.</param>
    /// <param name="count">Frames of the batch, each in memory of its own.</param>
    /// <param name="isSplit">Headers and content as two pieces, as the link sends them.</param>
    internal RawFrame(MacAddress destination, MacAddress source, int payloadBytes, int count, bool isSplit)
    {
        int stride = (EthernetHeader.UntaggedLength + payloadBytes + 63) & ~63;
        _memory = new NativeBuffer((long)stride * count);
        _batch = new OutgoingFrame[count];
        for (int i = 0; i < count; i++)
        {
            byte* frame = _memory.Pointer + (long)i * stride;
            new EthernetHeader(destination, source, PacketPortOptions.DefaultEtherType).Write(new Span<byte>(frame, EthernetHeader.UntaggedLength));
            int whole = EthernetHeader.UntaggedLength + payloadBytes;
            int first = isSplit ? Math.Min(whole, EthernetHeader.UntaggedLength + LinkHeaderBytes) : whole;
            _batch[i] = new OutgoingFrame { Header = frame, HeaderLength = first, Content = frame + first, ContentLength = whole - first };
        }
    }

    internal ReadOnlySpan<OutgoingFrame> Batch => _batch;

    public void Dispose() => _memory.Dispose();
}
