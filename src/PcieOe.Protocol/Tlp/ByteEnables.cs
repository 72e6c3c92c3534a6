using System.Numerics;

namespace PcieOe.Protocol.Tlp;

/// <summary>
/// The byte enables of a request: bit i enables byte i of its first, or of its last doubleword (PCIe base spec. 2.2.5). All between are enabled.
/// </summary>
public readonly record struct ByteEnables(byte First, byte Last)
{
    /// <summary>One whole doubleword: what most configuration requests carry.</summary>
    public static ByteEnables OneDoubleword => new(0xF, 0);

    /// <summary>Nothing enabled: a zero-length request of one doubleword.</summary>
    public static ByteEnables None => default;

    /// <summary>The enables of the bytes from <paramref name="address"/> on; a length of 0 gives a zero-length request.</summary>
    /// <param name="length">0 to 4096 bytes; together with the address's two low bits within 1024 doublewords.</param>
    public static ByteEnables FromRange(ulong address, int length)
    {
        if (length == 0)
        {
            return None;
        }

        int start = (int)address & 3;
        int end = start + length;
        int first = 0xF << start & 0xF;
        int last = 0xF >> (-end & 3);
        return end <= 4 ? new((byte)(first & last), 0) : new((byte)first, (byte)last);
    }

    /// <summary>Doublewords that a request for these bytes names in its Length field: 1 also for a length of 0.</summary>
    public static int Doublewords(ulong address, int length) => Math.Max(1, ((int)address & 3) + length + 3 >> 2);

    /// <summary>Where the first enabled byte lies, counted from the request's doubleword address; 0 if none is enabled.</summary>
    public int FirstByteOffset => First == 0 ? 0 : BitOperations.TrailingZeroCount(First);

    /// <summary>
    /// Bytes from the first enabled to the last enabled one, holes included; 1 for a zero-length read: the byte count of its first completion
    /// (PCIe base spec. 2.2.9.1, table 2-39).
    /// </summary>
    public int ByteCount(int lengthDoublewords)
    {
        if (lengthDoublewords <= 1)
        {
            return First == 0 ? 1 : BitOperations.Log2(First) - BitOperations.TrailingZeroCount(First) + 1;
        }

        return (lengthDoublewords - 1) * 4 - FirstByteOffset + (Last == 0 ? 0 : BitOperations.Log2(Last) + 1);
    }

    /// <summary>
    /// True if the enabled bytes have no hole: then they are the <see cref="ByteCount"/> bytes from <see cref="FirstByteOffset"/> on.
    /// False also when nothing is enabled.
    /// </summary>
    public bool IsContiguous(int lengthDoublewords) => lengthDoublewords <= 1
        ? First != 0 && BitOperations.IsPow2((First >> BitOperations.TrailingZeroCount(First)) + 1)
        : IsHighRun(First) && Last != 0 && BitOperations.IsPow2(Last + 1);

    /// <summary>
    /// Finds the next run of enabled bytes at or after <paramref name="start"/>, offsets counted from the request's doubleword address.
    /// A contiguous request has one run; only requests of one or two doublewords may have more.
    /// </summary>
    public bool TryNextRun(int lengthDoublewords, int start, out int offset, out int length)
    {
        int end = lengthDoublewords * 4;
        offset = start;
        while (offset < end && !IsEnabled(lengthDoublewords, offset))
        {
            offset++;
        }

        int stop = offset;
        while (stop < end && IsEnabled(lengthDoublewords, stop))
        {
            // Doublewords between the first and the last are enabled whole.
            stop = stop >= 4 && stop < end - 4 ? end - 4 : stop + 1;
        }

        length = stop - offset;
        return length > 0;
    }

    private bool IsEnabled(int lengthDoublewords, int offset)
    {
        if (offset < 4)
        {
            return (First >> offset & 1) != 0;
        }

        int last = offset - (lengthDoublewords - 1) * 4;
        return last < 0 || (Last >> last & 1) != 0;
    }

    /// <summary>Enabled up to the doubleword's end without a hole.</summary>
    private static bool IsHighRun(byte enables) => enables is 0xF or 0xE or 0xC or 0x8;
}
