using System.Runtime.InteropServices;
using PcieOe.Protocol.Ethernet;
using PcieOe.Transport.Interop;

namespace PcieOe.Transport.Ports.Memory;

/// <summary>
/// A ring of frames from one sending thread to one receiving thread. The sender alone writes <c>Produced</c>, after the slot; the receiver
/// alone writes <c>Consumed</c>, after it is done with the slot. Each reads the other's number with acquire and writes its own with
/// release, so whoever sees a number sees what was done before it.
/// </summary>
internal sealed unsafe class FrameRing : IDisposable
{
    private const int SlotAlignment = 64;

    private readonly NativeBuffer _memory;
    private readonly int _slotBytes;
    private readonly int _mask;
    private readonly int _maximumPayload;
    private Positions _positions;

    /// <param name="slots">A power of two.</param>
    internal FrameRing(int slots, int maximumPayload)
    {
        _maximumPayload = maximumPayload;
        _mask = slots - 1;
        _slotBytes = (sizeof(SlotHeader) + EthernetHeader.UntaggedLength + maximumPayload + SlotAlignment - 1) & ~(SlotAlignment - 1);
        _memory = new NativeBuffer((long)slots * _slotBytes);
    }

    internal bool IsEmpty => Volatile.Read(ref _positions.Produced) == _positions.Consumed;

    /// <summary>By the sender. Takes an 802.1Q tag out of the frame, as the kernel does. False if the ring is full or the frame too long.</summary>
    internal bool TryPut(in OutgoingFrame frame, long timestampNanoseconds)
    {
        long produced = _positions.Produced;
        if (produced - _positions.ConsumedAsSenderKnows > _mask)
        {
            _positions.ConsumedAsSenderKnows = Volatile.Read(ref _positions.Consumed);
            if (produced - _positions.ConsumedAsSenderKnows > _mask)
            {
                return false;
            }
        }

        ReadOnlySpan<byte> header = new(frame.Header, frame.HeaderLength);
        if (!EthernetHeader.TryParse(header, out EthernetHeader ethernet) || frame.Length - ethernet.WrittenLength > _maximumPayload)
        {
            return false;
        }

        SlotHeader* slot = (SlotHeader*)(_memory.Pointer + (produced & _mask) * _slotBytes);
        Span<byte> destination = new((byte*)slot + sizeof(SlotHeader), _slotBytes - sizeof(SlotHeader));
        int addresses = 2 * MacAddress.Length;
        int tag = ethernet.WrittenLength - EthernetHeader.UntaggedLength;
        header[..addresses].CopyTo(destination);
        header[(addresses + tag)..].CopyTo(destination[addresses..]);
        new ReadOnlySpan<byte>(frame.Content, frame.ContentLength).CopyTo(destination[(header.Length - tag)..]);
        slot->Length = frame.Length - tag;
        slot->VlanTag = ethernet.VlanTag ?? 0;
        slot->TimestampNanoseconds = timestampNanoseconds;
        Volatile.Write(ref _positions.Produced, produced + 1);
        return true;
    }

    /// <summary>By the receiver: looks at the frames that wait, without taking them.</summary>
    internal int Peek(Span<ReceivedFrame> batch)
    {
        long consumed = _positions.Consumed;
        int count = (int)Math.Min(Volatile.Read(ref _positions.Produced) - consumed, batch.Length);
        for (int i = 0; i < count; i++)
        {
            SlotHeader* slot = (SlotHeader*)(_memory.Pointer + ((consumed + i) & _mask) * _slotBytes);
            batch[i] = new ReceivedFrame((byte*)slot + sizeof(SlotHeader), slot->Length, slot->TimestampNanoseconds, slot->VlanTag);
        }

        return count;
    }

    /// <summary>By the receiver: gives the oldest slots back.</summary>
    internal void Release(int count) => Volatile.Write(ref _positions.Consumed, _positions.Consumed + count);

    public void Dispose() => _memory.Dispose();

    /// <summary>In front of each frame; of such a size that the payload behind the Ethernet header is aligned to 16.</summary>
    [StructLayout(LayoutKind.Sequential, Pack = 2, Size = 18)]
    private struct SlotHeader
    {
        public long TimestampNanoseconds;
        public int Length;
        public ushort VlanTag;
    }

    /// <summary>What either side writes lies in cache lines of its own.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 256)]
    private struct Positions
    {
        [FieldOffset(64)]
        public long Produced;

        [FieldOffset(72)]
        public long ConsumedAsSenderKnows;

        [FieldOffset(192)]
        public long Consumed;
    }
}
