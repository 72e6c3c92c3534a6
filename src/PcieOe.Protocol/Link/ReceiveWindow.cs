using PcieOe.Protocol.Frames;

namespace PcieOe.Protocol.Link;

/// <summary>
/// What has come of the peer's data frames: everything before <see cref="Next"/>, and some of the window behind it, which is kept until
/// the gap before it closes. The content in order never lies here.
/// </summary>
internal sealed class ReceiveWindow : IDisposable
{
    private const int BitmapBits = LinkOptions.MaximumWindowFrames;
    private const int BitmapWords = BitmapBits / 64;

    private readonly SlotPool _slots;
    private readonly int[] _slotOf = new int[BitmapBits];
    private readonly ushort[] _bytesOf = new ushort[BitmapBits];
    private readonly ulong[] _frameNumberOf = new ulong[BitmapBits];
    private readonly ulong[] _received = new ulong[BitmapWords];
    private readonly int _frames;
    private SequenceNumber _limit;
    private bool _isLimited;

    public ReceiveWindow(int frames, int contentBytes, SequenceNumber first)
    {
        _frames = frames;
        _slots = new SlotPool(frames, contentBytes);
        Next = first;
    }

    /// <summary>The first sequence number not received.</summary>
    public SequenceNumber Next { get; private set; }

    /// <summary>The last sequence number that is permitted: there is room for it, and no limit was set before it.</summary>
    public SequenceNumber Permitted => _isLimited ? _limit : Next + (_frames - 1);

    /// <summary>Frames kept behind the first gap.</summary>
    public int Kept { get; private set; }

    /// <summary>The last sequence number kept; means nothing while none is.</summary>
    public SequenceNumber Furthest { get; private set; }

    /// <summary>
    /// Permits no more than <paramref name="ahead"/> frames beyond <see cref="Next"/>, except for what is permitted already. True: a peer
    /// that had nearly used up its permission has more now, and should hear of it.
    /// </summary>
    public bool Limit(int ahead)
    {
        SequenceNumber before = Permitted;
        SequenceNumber wanted = Next + (Math.Clamp(ahead, 0, _frames) - 1);
        _isLimited = true;
        _limit = wanted > before ? wanted : before;
        return wanted > before && 2 * (before - Next + 1) < ahead;
    }

    /// <summary>Permits the whole window. True: there was a limit.</summary>
    public bool Release()
    {
        bool wasLimited = _isLimited;
        _isLimited = false;
        return wasLimited;
    }

    /// <summary>The bitmap of 64 sequence numbers that begins <paramref name="offset"/> (a multiple of 64) after <see cref="Next"/> + 1.</summary>
    public ulong Bitmap(int offset)
    {
        if (Kept == 0)
        {
            return 0;
        }

        uint position = Next.Value + 1 + (uint)offset & BitmapBits - 1;
        int word = (int)(position >> 6), shift = (int)(position & 63);
        ulong low = _received[word] >> shift;
        return shift == 0 ? low : low | _received[(word + 1) & BitmapWords - 1] << (64 - shift);
    }

    /// <summary>Whether a number after <see cref="Next"/> and within the window has been received.</summary>
    public bool IsKept(SequenceNumber sequence) => (_received[Word(sequence)] & Bit(sequence)) != 0;

    /// <summary>Counts <see cref="Next"/> as received.</summary>
    public void Advance() => Next++;

    /// <summary>Keeps content whose turn has not come. It must lie behind <see cref="Next"/>, within the window, and not be kept already.</summary>
    public void Keep(SequenceNumber sequence, ReadOnlySpan<byte> content, ulong frameNumber)
    {
        // As many slots as numbers in the window: there is always one.
        int slot = _slots.Take();
        content.CopyTo(_slots[slot]);
        int index = Index(sequence);
        _slotOf[index] = slot;
        _bytesOf[index] = (ushort)content.Length;
        _frameNumberOf[index] = frameNumber;
        _received[Word(sequence)] |= Bit(sequence);
        Furthest = Kept++ == 0 || sequence > Furthest ? sequence : Furthest;
    }

    /// <summary>Takes out the content of <see cref="Next"/> if it is kept, and advances. Give the slot back when it has been read.</summary>
    public bool TryTakeNext(out int slot, out ReadOnlySpan<byte> content, out ulong frameNumber)
    {
        if (Kept == 0 || !IsKept(Next))
        {
            slot = -1;
            content = default;
            frameNumber = 0;
            return false;
        }

        int index = Index(Next);
        slot = _slotOf[index];
        content = _slots[slot][.._bytesOf[index]];
        frameNumber = _frameNumberOf[index];
        _received[Word(Next)] &= ~Bit(Next);
        Kept--;
        Next++;
        return true;
    }

    public void Return(int slot) => _slots.Return(slot);

    public void Dispose() => _slots.Dispose();

    private static int Index(SequenceNumber sequence) => (int)(sequence.Value & BitmapBits - 1);

    private static int Word(SequenceNumber sequence) => Index(sequence) >> 6;

    private static ulong Bit(SequenceNumber sequence) => 1UL << (int)(sequence.Value & 63);
}
