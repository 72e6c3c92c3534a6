using System.Buffers.Binary;
using PcieOe.Protocol.Ethernet;
using PcieOe.Transport.Interop;
using PcieOe.Transport.Ports;
using PcieOe.Transport.SharpPcap.Interop;

namespace PcieOe.Transport.SharpPcap;

/// <summary>
/// Memory for the frames of one batch. libpcap lends a frame until the next is asked for, so a batch is copied; and it puts an 802.1Q tag
/// that the kernel had stripped back into the frame, so on the way the tag is taken out again.
/// </summary>
internal sealed unsafe class FrameSlots(int slots, int frameBytes) : IDisposable
{
    private const int TagOffset = 2 * MacAddress.Length;
    private const int TagBytes = EthernetHeader.TaggedLength - EthernetHeader.UntaggedLength;

    private readonly NativeBuffer _memory = new((long)slots * frameBytes);
    private int _used;

    internal bool IsFull => _used == slots;

    internal void Clear() => _used = 0;

    /// <summary>Copies a frame. False if it was cut, is longer than a slot, or no whole Ethernet frame.</summary>
    internal bool TryAdd(CapturedHeader* header, byte* data, out ReceivedFrame frame)
    {
        frame = default;
        int length = (int)header->CapturedLength;
        if (header->CapturedLength != header->FrameLength || length < EthernetHeader.UntaggedLength || length > frameBytes)
        {
            return false;
        }

        byte* slot = _memory.Pointer + (long)_used * frameBytes;
        ReadOnlySpan<byte> source = new(data, length);
        ushort tag = 0;
        if (length >= EthernetHeader.TaggedLength && BinaryPrimitives.ReadUInt16BigEndian(source[TagOffset..]) == EthernetHeader.VlanEtherType)
        {
            tag = BinaryPrimitives.ReadUInt16BigEndian(source[(TagOffset + 2)..]);
            source[..TagOffset].CopyTo(new Span<byte>(slot, TagOffset));
            source[(TagOffset + TagBytes)..].CopyTo(new Span<byte>(slot + TagOffset, length - TagOffset - TagBytes));
            length -= TagBytes;
        }
        else
        {
            source.CopyTo(new Span<byte>(slot, length));
        }

        _used++;
        frame = new ReceivedFrame(slot, length, header->Seconds * 1_000_000_000L + header->Nanoseconds, tag);
        return true;
    }

    public void Dispose() => _memory.Dispose();
}
