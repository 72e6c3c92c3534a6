using PcieOe.Protocol.Frames;

namespace PcieOe.Protocol.Link;

/// <summary>
/// The data frames from the first unacknowledged to the one being filled. Each owns the plaintext of its content until it is acknowledged.
/// Frames under way form a list in the order of their last transmission, since that order tells what was lost.
/// </summary>
internal sealed class SendWindow : IDisposable
{
    private const int None = -1;
    private const int Ring = LinkOptions.MaximumWindowFrames;

    private readonly SlotPool _memory;
    private readonly SendSlot[] _slots;
    private readonly int[] _slotOf = new int[Ring];
    private readonly int _frames;
    private SlotList _inFlight = SlotList.Empty;
    private SlotList _lost = SlotList.Empty;

    public SendWindow(int frames, int slotBytes, SequenceNumber first)
    {
        _frames = frames;
        _memory = new SlotPool(frames, slotBytes);
        _slots = new SendSlot[frames];
        Array.Fill(_slotOf, None);
        Unacknowledged = NextToSend = NextToFill = first;
    }

    /// <summary>The first sequence number the peer has not acknowledged.</summary>
    public SequenceNumber Unacknowledged { get; private set; }

    /// <summary>The first sequence number never sent.</summary>
    public SequenceNumber NextToSend { get; private set; }

    /// <summary>The sequence number of the next slot to be opened.</summary>
    public SequenceNumber NextToFill { get; private set; }

    /// <summary>The slot being filled; -1 if there is none.</summary>
    public int Open { get; private set; } = None;

    public int InFlight => _inFlight.Count;

    public int Lost => _lost.Count;

    /// <summary>Frames filled or being filled that were never sent.</summary>
    public int Unsent => NextToFill - NextToSend;

    public bool IsFull => NextToFill - Unacknowledged >= _frames;

    /// <summary>Something was sent and not acknowledged.</summary>
    public bool HasOutstanding => _inFlight.Count + _lost.Count != 0;

    /// <summary>The slot whose last transmission is the oldest; -1 if nothing is under way.</summary>
    public int OldestInFlight => _inFlight.First;

    public int FirstLost => _lost.First;

    /// <summary>The slot of the first sequence number sent and not acknowledged; -1 if there is none.</summary>
    public int FirstOutstanding => HasOutstanding ? _slotOf[Index(Unacknowledged)] : None;

    /// <summary>The slot that has <see cref="NextToSend"/>; -1 if there is none or it is still empty.</summary>
    public int FirstUnsent
    {
        get
        {
            if (Unsent == 0)
            {
                return None;
            }

            int slot = _slotOf[Index(NextToSend)];
            return _slots[slot].ContentBytes == 0 ? None : slot;
        }
    }

    public ref SendSlot this[int slot] => ref _slots[slot];

    public Span<byte> Memory(int slot) => _memory[slot];

    /// <summary>The next slot under way after this one, in the order of transmission; -1 at the end.</summary>
    public int After(int slot) => _slots[slot].Next;

    /// <summary>Opens a slot. Not while one is open, and not when the window is full.</summary>
    public int OpenNext()
    {
        // As many slots as numbers in the window, and one is freed no later than its number leaves it: there is always one.
        int slot = _memory.Take();
        _slots[slot] = new SendSlot { Sequence = NextToFill, State = SendSlotState.Unsent, Previous = None, Next = None };
        _slotOf[Index(NextToFill)] = slot;
        NextToFill++;
        Open = slot;
        return slot;
    }

    /// <summary>Nothing more goes into the open slot.</summary>
    public void Close() => Open = None;

    public void OnSent(int slot, ulong frameNumber, long now)
    {
        ref SendSlot entry = ref _slots[slot];
        switch (entry.State)
        {
            case SendSlotState.Unsent:
                NextToSend++;
                break;
            case SendSlotState.InFlight:
                _inFlight.Remove(_slots, slot);
                break;
            case SendSlotState.Lost:
                _lost.Remove(_slots, slot);
                break;
            default:
                throw new InvalidOperationException("A free slot cannot be sent.");
        }

        entry.State = SendSlotState.InFlight;
        entry.FrameNumber = frameNumber;
        entry.SentAt = now;
        _inFlight.Append(_slots, slot);
    }

    public void OnLost(int slot)
    {
        _inFlight.Remove(_slots, slot);
        _slots[slot].State = SendSlotState.Lost;
        _lost.Append(_slots, slot);
    }

    /// <summary>The slot of a sequence number that was sent and is not acknowledged; -1 if it is acknowledged.</summary>
    public int Find(SequenceNumber sequence) => _slotOf[Index(sequence)];

    /// <summary>Frees a slot that the peer has received.</summary>
    public void Acknowledge(int slot)
    {
        ref SendSlot entry = ref _slots[slot];
        if (entry.State == SendSlotState.InFlight)
        {
            _inFlight.Remove(_slots, slot);
        }
        else
        {
            _lost.Remove(_slots, slot);
        }

        entry.State = SendSlotState.Free;
        _slotOf[Index(entry.Sequence)] = None;
        _memory.Return(slot);
    }

    /// <summary>Moves the window's beginning past a number that is acknowledged.</summary>
    public void AdvanceUnacknowledged() => Unacknowledged++;

    public void Dispose() => _memory.Dispose();

    private static int Index(SequenceNumber sequence) => (int)(sequence.Value & Ring - 1);
}
