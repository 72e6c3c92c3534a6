using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using PcieOe.Transport.Interop;

namespace PcieOe.Transport.Ports.Packet;

/// <summary>
/// The receive ring of a packet socket (TPACKET_V2, Documentation/networking/packet_mmap.rst): slots in memory shared with the kernel.
/// The kernel fills a slot, then sets its status; the reader takes slots in order and gives them back by clearing the status.
/// Each status word has one writer at a time, so an acquiring read and a releasing write suffice.
/// </summary>
internal sealed unsafe class PacketRing : IDisposable
{
    // Large enough that little is left over at a block's end, small enough that contiguous pages are found.
    private const int BlockBytes = 64 * 1024;
    private const int SlotAlignment = 16;
    private const int EthernetHeaderBytes = 14;
    private const int CacheLineBytes = 64;
    private const int ReadWrite = 0x1 | 0x2;
    private const int Shared = 0x1;

    private readonly nuint _bytes;
    private readonly int _slotBytes;
    private readonly int _slotsPerBlock;
    private readonly int _lastSlotToNextBlock;
    private byte* _memory;
    private Cursor _head;
    private Cursor _tail;
    private int _taken;

    private PacketRing(byte* memory, nuint bytes, int blockBytes, int slotBytes, int slotsPerBlock)
    {
        _memory = memory;
        _bytes = bytes;
        _slotBytes = slotBytes;
        _slotsPerBlock = slotsPerBlock;
        _lastSlotToNextBlock = blockBytes - (slotsPerBlock - 1) * slotBytes;
        _head = _tail = new Cursor { Slot = memory };
    }

    ~PacketRing() => Unmap();

    /// <summary>Frames longer than their slot, or otherwise not whole: dropped here.</summary>
    internal long Truncated { get; private set; }

    /// <summary>Set when the kernel says that it had to drop frames for want of slots; cleared by whoever reads the statistics.</summary>
    internal bool HasLosses { get; set; }

    /// <summary>Gives the socket a ring of at least <paramref name="slots"/> slots for frames of <paramref name="payloadBytes"/>.</summary>
    internal static PacketRing Attach(int socket, int payloadBytes, int slots)
    {
        // The kernel aligns the payload, not the Ethernet header, to 16 bytes.
        int frameOffset = AlignUp(RingSlotHeader.BytesWithAddress + SlotAlignment, SlotAlignment) - EthernetHeaderBytes;
        int slotBytes = AlignUp(frameOffset + EthernetHeaderBytes + payloadBytes, SlotAlignment);
        int blockBytes = Math.Max(BlockBytes, (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)slotBytes));
        int slotsPerBlock = blockBytes / slotBytes;
        int blocks = (slots + slotsPerBlock - 1) / slotsPerBlock;
        RingRequest request = new()
        {
            BlockBytes = (uint)blockBytes,
            BlockCount = (uint)blocks,
            SlotBytes = (uint)slotBytes,
            SlotCount = (uint)(blocks * slotsPerBlock),
        };
        nuint bytes = (nuint)blocks * (nuint)blockBytes;
        if (LibC.SetSocketOption(socket, PacketSocketAbi.PacketLevel, PacketSocketAbi.ReceiveRing, &request, (uint)sizeof(RingRequest)) < 0)
        {
            throw RingError(slots, bytes);
        }

        void* memory = LibC.MemoryMap(null, bytes, ReadWrite, Shared, socket, 0);
        return memory == (void*)-1 ? throw RingError(slots, bytes) : new PacketRing((byte*)memory, bytes, blockBytes, slotBytes, slotsPerBlock);
    }

    /// <summary>Takes the frames that have come, at most a batch. They stay until <see cref="Release"/>.</summary>
    internal int Take(Span<ReceivedFrame> batch, ref PortCounters counters)
    {
        int count = 0;
        while (count < batch.Length)
        {
            RingSlotHeader* slot = (RingSlotHeader*)_head.Slot;
            uint status = Volatile.Read(ref slot->Status);
            if ((status & PacketSocketAbi.StatusUser) == 0)
            {
                break;
            }

            _head.Advance(this);
            _taken++;
            HasLosses |= (status & PacketSocketAbi.StatusLosing) != 0;
            int length = (int)slot->CapturedLength;
            if (length != (int)slot->FrameLength || length < EthernetHeaderBytes)
            {
                Truncated++;
                continue;
            }

            PrefetchBeginning((byte*)slot + slot->FrameOffset);
            long timestamp = slot->Seconds * 1_000_000_000L + slot->Nanoseconds;
            ushort vlanTag = (status & PacketSocketAbi.StatusVlanValid) != 0 ? slot->VlanTag : (ushort)0;
            batch[count++] = new ReceivedFrame((byte*)slot + slot->FrameOffset, length, timestamp, vlanTag);
            counters.BytesReceived += length;
        }

        counters.FramesReceived += count;
        return count;
    }

    /// <summary>Gives the slots taken back to the kernel.</summary>
    internal void Release()
    {
        for (; _taken > 0; _taken--)
        {
            Volatile.Write(ref ((RingSlotHeader*)_tail.Slot)->Status, PacketSocketAbi.StatusKernel);
            _tail.Advance(this);
        }
    }

    public void Dispose()
    {
        Unmap();
        GC.SuppressFinalize(this);
    }

    /// <summary>Another processor wrote the frame: its beginning comes while the rest of the batch is gathered.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void PrefetchBeginning(byte* frame)
    {
        if (Sse.IsSupported)
        {
            Sse.Prefetch0(frame);
            Sse.Prefetch0(frame + CacheLineBytes);
            Sse.Prefetch0(frame + 2 * CacheLineBytes);
            Sse.Prefetch0(frame + 3 * CacheLineBytes);
        }
    }

    private static int AlignUp(int value, int alignment) => (value + alignment - 1) / alignment * alignment;

    private static PortException RingError(int slots, nuint bytes)
    {
        int error = Marshal.GetLastPInvokeError();
        return new PortException(
            $"Could not reserve a receive ring of {slots} slots ({bytes / (1024 * 1024)} MiB): {Errno.Describe(error)}. Ask for fewer slots (receiveSlots).");
    }

    private void Unmap()
    {
        if (_memory != null)
        {
            _ = LibC.MemoryUnmap(_memory, _bytes);
            _memory = null;
        }
    }

    /// <summary>A place in the ring: slots follow one another, but never across the end of a block.</summary>
    private struct Cursor
    {
        public byte* Slot;
        private int _inBlock;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Advance(PacketRing ring)
        {
            if (++_inBlock < ring._slotsPerBlock)
            {
                Slot += ring._slotBytes;
                return;
            }

            _inBlock = 0;
            Slot += ring._lastSlotToNextBlock;
            if (Slot == ring._memory + ring._bytes)
            {
                Slot = ring._memory;
            }
        }
    }
}
