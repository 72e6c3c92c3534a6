using System.Runtime.InteropServices;

namespace PcieOe.Host.RootComplex;

/// <summary>Device reads of memory that a client must be asked for: their slots, buffers and deadlines.</summary>
internal sealed unsafe class DmaClientReads : IDisposable
{
    public const int Capacity = 32;
    private const int BufferBytes = 4096;

    private readonly Slot[] _slots = new Slot[Capacity];
    private byte* _buffers;

    private enum SlotState : byte
    {
        Free,
        Asked,
        Answered,
    }

    public long NextDeadline { get; private set; } = long.MaxValue;

    public bool TryAdd(ulong address, int length, long deadline, out int slot, out DmaReadTicket ticket)
    {
        for (slot = 0; slot < Capacity; slot++)
        {
            if (_slots[slot].State != SlotState.Free)
            {
                continue;
            }

            // Most clients never need these: they cost nothing until then.
            if (_buffers is null)
            {
                _buffers = (byte*)NativeMemory.AlignedAlloc(Capacity * BufferBytes, BufferBytes);
            }

            ref Slot taken = ref _slots[slot];
            taken.State = SlotState.Asked;
            taken.Generation++;
            taken.Address = address;
            taken.Length = length;
            taken.Deadline = deadline;
            NextDeadline = Math.Min(NextDeadline, deadline);
            ticket = new DmaReadTicket((ulong)taken.Generation << 32 | (uint)slot);
            return true;
        }

        ticket = default;
        return false;
    }

    /// <summary>Takes the client's answer. False: nobody waits for it any more.</summary>
    /// <param name="succeeded">The answer is as long as what was asked for.</param>
    public bool TryAnswer(DmaReadTicket ticket, ReadOnlySpan<byte> data, out int slot, out bool succeeded)
    {
        slot = (int)(uint)ticket.Value;
        succeeded = false;
        if ((uint)slot >= Capacity || _slots[slot].State != SlotState.Asked || _slots[slot].Generation != (uint)(ticket.Value >> 32))
        {
            return false;
        }

        _slots[slot].State = SlotState.Answered;
        succeeded = data.Length == _slots[slot].Length;
        if (succeeded)
        {
            data.CopyTo(Data(slot));
        }

        return true;
    }

    /// <summary>What the client answered, or where its answer goes.</summary>
    public Span<byte> Data(int slot) => new(_buffers + slot * BufferBytes, _slots[slot].Length);

    public bool IsAsked(int slot) => _slots[slot].State == SlotState.Asked;

    public bool Touches(int slot, ulong first, ulong last) =>
        _slots[slot].Address <= last && _slots[slot].Address + (ulong)_slots[slot].Length - 1 >= first;

    public void Remove(int slot) => _slots[slot].State = SlotState.Free;

    /// <summary>One read whose deadline has come; the caller ends it.</summary>
    public bool TryGetExpired(long now, out int expired)
    {
        expired = -1;
        if (NextDeadline > now)
        {
            return false;
        }

        long earliest = long.MaxValue;
        for (int slot = 0; slot < Capacity; slot++)
        {
            if (_slots[slot].State != SlotState.Asked)
            {
                continue;
            }

            if (_slots[slot].Deadline <= now)
            {
                expired = slot;
                return true;
            }

            earliest = Math.Min(earliest, _slots[slot].Deadline);
        }

        NextDeadline = earliest;
        return false;
    }

    public void Dispose()
    {
        NativeMemory.AlignedFree(_buffers);
        _buffers = null;
    }

    [StructLayout(LayoutKind.Auto)]
    private struct Slot
    {
        public SlotState State;
        public uint Generation;
        public int Length;
        public ulong Address;
        public long Deadline;
    }
}
