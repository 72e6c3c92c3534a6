namespace PcieOe.FlashEndpoint.Pcie;

/// <summary>
/// MSI-X table and pending bits (PCIe base spec. 7.7.2 and 6.1.4). An entry has 16 bytes: message address, upper address, data, and
/// vector control with its mask in bit 0.
/// </summary>
internal sealed class MsixTable
{
    public const int EntryBytes = 16;
    private const uint MaskBit = 1;

    private readonly uint[] _words;
    private readonly ulong[] _pending;

    public MsixTable(int count)
    {
        Count = count;
        _words = new uint[count * 4];
        _pending = new ulong[(count + 63) / 64];
        Reset();
    }

    public int Count { get; }

    /// <summary>Message Control, MSI-X Enable.</summary>
    public bool IsEnabled { get; set; }

    /// <summary>Message Control, Function Mask.</summary>
    public bool IsFunctionMasked { get; set; }

    public int PendingBytes => _pending.Length * 8;

    /// <summary>The message of a vector that has something to say. False: not now; where a mask is why, the pending bit remembers.</summary>
    public bool TryTake(int vector, out ulong address, out uint data)
    {
        int word = vector * 4;
        address = _words[word] & ~3u | (ulong)_words[word + 1] << 32;
        data = _words[word + 2];
        if (!IsEnabled)
        {
            return false;
        }

        if (IsFunctionMasked || (_words[word + 3] & MaskBit) != 0)
        {
            SetPending(vector);
            return false;
        }

        _pending[vector >> 6] &= ~(1UL << (vector & 63));
        return true;
    }

    public void SetPending(int vector) => _pending[vector >> 6] |= 1UL << (vector & 63);

    /// <summary>Whether a vector is pending and no longer masked.</summary>
    public bool IsPendingUnmasked(int vector) => IsEnabled && !IsFunctionMasked
        && (_pending[vector >> 6] >> (vector & 63) & 1) != 0 && (_words[vector * 4 + 3] & MaskBit) == 0;

    public uint ReadTable(int offset) => (uint)offset / 4 < (uint)_words.Length ? _words[offset / 4] : 0;

    public uint ReadPending(int offset) => (uint)offset / 8 < (uint)_pending.Length ? (uint)(_pending[offset / 8] >> (offset % 8 * 8)) : 0;

    /// <summary>Writes bits of one doubleword of the table. True: a mask was lifted.</summary>
    public bool WriteTable(int offset, uint value, uint writtenBits)
    {
        if ((uint)offset / 4 >= (uint)_words.Length)
        {
            return false;
        }

        ref uint word = ref _words[offset / 4];
        uint old = word;
        word = old & ~writtenBits | value & writtenBits;
        if (offset % EntryBytes != 12)
        {
            return false;
        }

        word &= MaskBit;
        return (old & MaskBit) != 0 && word == 0;
    }

    public void Reset()
    {
        IsEnabled = false;
        IsFunctionMasked = false;
        Array.Clear(_words);
        Array.Clear(_pending);
        for (int i = 0; i < Count; i++)
        {
            _words[i * 4 + 3] = MaskBit;
        }
    }
}
