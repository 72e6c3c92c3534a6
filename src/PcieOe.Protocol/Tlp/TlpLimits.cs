namespace PcieOe.Protocol.Tlp;

/// <summary>Sizes that the TLP format itself sets (PCIe base spec. 2.2).</summary>
public static class TlpLimits
{
    public const int DoublewordBytes = 4;

    /// <summary>Headers of 32-bit requests and of completions.</summary>
    public const int ShortHeaderBytes = 12;

    /// <summary>Headers of 64-bit requests and of messages.</summary>
    public const int LongHeaderBytes = 16;

    public const int DigestBytes = 4;

    /// <summary>The most that one Length field can name.</summary>
    public const int MaximumPayloadBytes = 4096;

    /// <summary>The smallest payload size that a function may be set to; every function has room for it.</summary>
    public const int SmallestMaximumPayloadBytes = 128;

    /// <summary>Local prefixes, then at most four end-to-end ones (2.2.10.2); more than eight altogether are taken for garbage.</summary>
    public const int MaximumPrefixes = 8;

    /// <summary>No memory request crosses a multiple of this (2.2.7).</summary>
    public const int BoundaryBytes = 4096;

    /// <summary>Addresses below take the 3-DW header, all others the 4-DW one (2.2.4.1).</summary>
    public const ulong FirstLongAddress = 1UL << 32;

    /// <summary>Bytes of the header that a memory request at <paramref name="address"/> has.</summary>
    public static int MemoryHeaderBytes(ulong address) => address >= FirstLongAddress ? LongHeaderBytes : ShortHeaderBytes;

    /// <summary>
    /// The largest payload size to which functions can be set (7.5.3.4: a power of two from 128) that leaves room for a header in a TLP of
    /// <paramref name="maximumTlpBytes"/>; never less than the smallest.
    /// </summary>
    public static int LargestPayloadBytes(int maximumTlpBytes)
    {
        int payload = MaximumPayloadBytes;
        while (payload > SmallestMaximumPayloadBytes && payload + LongHeaderBytes > maximumTlpBytes)
        {
            payload >>= 1;
        }

        return payload;
    }
}
