using PcieOe.Protocol.Ethernet;
using PcieOe.Transport.Interop;
using PcieOe.Transport.Ports;

namespace PcieOe.Transport.Tests.Ports;

/// <summary>Frames to send, in native memory, in one piece or two.</summary>
internal sealed unsafe class TestFrames : IDisposable
{
    internal const ushort EtherType = 0x88B5;
    private const int BytesForEach = 16 * 1024;

    private readonly NativeBuffer _memory = new(64 * BytesForEach);
    private int _used;

    /// <summary>A frame with a payload of a pattern that <paramref name="seed"/> gives.</summary>
    internal OutgoingFrame Make(MacAddress destination, MacAddress source, int payloadBytes, byte seed = 1, ushort etherType = EtherType, ushort? vlanTag = null, int contentBytes = 0)
    {
        byte* start = _memory.Pointer + _used++ % 64 * BytesForEach;
        int header = new EthernetHeader(destination, source, etherType, vlanTag).Write(new Span<byte>(start, EthernetHeader.TaggedLength));
        Fill(new Span<byte>(start + header, payloadBytes), seed);
        return new OutgoingFrame
        {
            Header = start,
            HeaderLength = header + payloadBytes - contentBytes,
            Content = contentBytes == 0 ? null : start + header + payloadBytes - contentBytes,
            ContentLength = contentBytes,
        };
    }

    internal static byte[] Payload(int bytes, byte seed)
    {
        byte[] payload = new byte[bytes];
        Fill(payload, seed);
        return payload;
    }

    public void Dispose() => _memory.Dispose();

    private static void Fill(Span<byte> payload, byte seed)
    {
        for (int i = 0; i < payload.Length; i++)
        {
            payload[i] = (byte)(seed + i * 7);
        }
    }
}
