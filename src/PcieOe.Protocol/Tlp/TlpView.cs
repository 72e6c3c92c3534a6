using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace PcieOe.Protocol.Tlp;

/// <summary>
/// A TLP in place: prefixes, header, data, digest (PCIe base spec. 2.2). <see cref="TryParse"/> has checked that all parts are there, so no
/// accessor can fail; accessors of a kind that the TLP is not (see each) give bits without a meaning. Whether the TLP keeps the rules of
/// its type is asked with <see cref="TlpRules"/>.
/// </summary>
public readonly ref struct TlpView
{
    private readonly ReadOnlySpan<byte> _bytes;
    private readonly uint _doubleword0;
    private readonly int _prefixBytes;
    private readonly int _payloadBytes;

    private TlpView(ReadOnlySpan<byte> bytes, uint doubleword0, int prefixBytes, int payloadBytes)
    {
        _bytes = bytes;
        _doubleword0 = doubleword0;
        _prefixBytes = prefixBytes;
        _payloadBytes = payloadBytes;
    }

    /// <summary>
    /// Reads the TLP at the start of <paramref name="source"/>; more may follow it, at <see cref="TotalBytes"/>. False: it is cut short, has a
    /// reserved format (so that its length is unknown), or more prefixes than <see cref="TlpLimits.MaximumPrefixes"/>.
    /// </summary>
    public static bool TryParse(ReadOnlySpan<byte> source, out TlpView view)
    {
        view = default;
        int prefixBytes = 0;
        while (prefixBytes < source.Length && source[prefixBytes] >> 5 == 4)
        {
            prefixBytes += TlpLimits.DoublewordBytes;
            if (prefixBytes > TlpLimits.MaximumPrefixes * TlpLimits.DoublewordBytes)
            {
                return false;
            }
        }

        if (source.Length - prefixBytes < TlpLimits.ShortHeaderBytes)
        {
            return false;
        }

        uint doubleword0 = BinaryPrimitives.ReadUInt32BigEndian(source[prefixBytes..]);
        if (doubleword0 >> 31 != 0)
        {
            return false;
        }

        TlpType type = (TlpType)(doubleword0 >> 24);
        int payloadBytes = type.HasData ? DataBytes(doubleword0) : 0;
        int total = prefixBytes + type.HeaderBytes + payloadBytes + ((doubleword0 & TlpFields.DigestBit) != 0 ? TlpLimits.DigestBytes : 0);
        if (source.Length < total)
        {
            return false;
        }

        view = new TlpView(source[..total], doubleword0, prefixBytes, payloadBytes);
        return true;
    }

    /// <summary>The whole TLP.</summary>
    public ReadOnlySpan<byte> Bytes => _bytes;

    /// <summary>Bytes of the whole TLP: where the next one starts.</summary>
    public int TotalBytes => _bytes.Length;

    public TlpType Type => (TlpType)(_doubleword0 >> 24);

    public TlpAttributes Attributes => TlpAttributes.FromDoubleword0(_doubleword0);

    /// <summary>EP: the data is known to be bad.</summary>
    public bool IsPoisoned => (_doubleword0 & TlpFields.PoisonedBit) != 0;

    /// <summary>TD: an ECRC follows the data.</summary>
    public bool HasDigest => (_doubleword0 & TlpFields.DigestBit) != 0;

    /// <summary>TH: the request carries processing hints.</summary>
    public bool HasProcessingHints => (_doubleword0 & TlpFields.ProcessingHintsBit) != 0;

    /// <summary>LN: lightweight notification (base spec. up to 5.0).</summary>
    public bool IsLightweightNotification => (_doubleword0 & TlpFields.LightweightNotificationBit) != 0;

    public AddressType AddressType => (AddressType)(_doubleword0 >> TlpFields.AddressTypeShift & 3);

    /// <summary>The Length field, 1 to 1024: doublewords of data carried, or asked for by a read.</summary>
    public int LengthDoublewords => DataBytes(_doubleword0) >> 2;

    public int PrefixCount => _prefixBytes / TlpLimits.DoublewordBytes;

    /// <param name="index">Below <see cref="PrefixCount"/>.</param>
    public TlpPrefix Prefix(int index) => new(BinaryPrimitives.ReadUInt32BigEndian(_bytes[(index * TlpLimits.DoublewordBytes)..]));

    /// <summary>The header alone, 12 or 16 bytes.</summary>
    public ReadOnlySpan<byte> Header => _bytes.Slice(_prefixBytes, Type.HeaderBytes);

    /// <summary>The data, in the order of its addresses; empty for types without.</summary>
    public ReadOnlySpan<byte> Payload => _bytes.Slice(_prefixBytes + Type.HeaderBytes, _payloadBytes);

    /// <summary>The digest as it stands, or 0 if there is none.</summary>
    public uint Digest => HasDigest ? BinaryPrimitives.ReadUInt32BigEndian(_bytes[^TlpLimits.DigestBytes..]) : 0;

    /// <summary>False if there is a digest and it does not fit what it covers.</summary>
    public bool IsDigestValid => !HasDigest || Digest == Ecrc.Compute(_bytes[_prefixBytes..^TlpLimits.DigestBytes], EndToEndPrefixes);

    /// <summary>Requests, messages and completions: who asked.</summary>
    public RoutingId RequesterId => new((ushort)((Type.IsCompletion ? Doubleword(2) : Doubleword(1)) >> 16));

    /// <summary>Requests, messages and completions: ten bits.</summary>
    public ushort Tag => TlpFields.Tag(_doubleword0, (byte)((Type.IsCompletion ? Doubleword(2) : Doubleword(1)) >> 8));

    /// <summary>Memory, I/O and configuration requests.</summary>
    public ByteEnables ByteEnables => new((byte)(Doubleword(1) & 0xF), (byte)(Doubleword(1) >> 4 & 0xF));

    /// <summary>Memory and I/O requests, messages routed by address: the doubleword's address, bits 1:0 clear.</summary>
    public ulong Address => Type.HeaderBytes == TlpLimits.LongHeaderBytes
        ? (ulong)Doubleword(2) << 32 | Doubleword(3) & ~3u
        : Doubleword(2) & ~3u;

    /// <summary>Memory requests with <see cref="HasProcessingHints"/>: PH, the address's bits 1:0.</summary>
    public byte ProcessingHint => (byte)(Doubleword(Type.HeaderBytes == TlpLimits.LongHeaderBytes ? 3 : 2) & 3);

    /// <summary>Configuration requests and messages routed by ID: whom they are for.</summary>
    public RoutingId DestinationId => new((ushort)(Doubleword(2) >> 16));

    /// <summary>Configuration requests: offset of the doubleword in configuration space, 0 to 4092.</summary>
    public int RegisterOffset => (int)(Doubleword(2) & 0xFFC);

    /// <summary>Messages.</summary>
    public MessageCode MessageCode => (MessageCode)Doubleword(1);

    /// <summary>Vendor-defined messages: the vendor's ID.</summary>
    public ushort VendorId => (ushort)Doubleword(2);

    /// <summary>Messages: the header's last doubleword (0 in a 3-DW header). For vendor-defined ones the vendor's own.</summary>
    public uint MessageDoubleword3 => Type.HeaderBytes == TlpLimits.LongHeaderBytes ? Doubleword(3) : 0;

    /// <summary>Completions: who answered.</summary>
    public RoutingId CompleterId => new((ushort)(Doubleword(1) >> 16));

    /// <summary>Completions. Reserved values count as <see cref="CompletionStatus.UnsupportedRequest"/> (PCIe base spec. 2.2.9.1).</summary>
    public CompletionStatus CompletionStatus => (CompletionStatus)(Doubleword(1) >> 13 & 7);

    /// <summary>Completions: BCM, set by PCI-X bridges only.</summary>
    public bool IsByteCountModified => (Doubleword(1) & TlpFields.ByteCountModifiedBit) != 0;

    /// <summary>Completions: bytes that the request still lacks, this TLP included; 1 to 4096. The peer's word only.</summary>
    public int ByteCount => (int)((Doubleword(1) & TlpFields.ByteCountMask) - 1 & TlpFields.ByteCountMask) + 1;

    /// <summary>Completions of memory reads: bits 6:0 of the address of the first enabled byte here.</summary>
    public byte LowerAddress => (byte)(Doubleword(2) & 0x7F);

    /// <summary>A doubleword of the header, which has 3 or 4.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private uint Doubleword(int index) => BinaryPrimitives.ReadUInt32BigEndian(_bytes[(_prefixBytes + index * 4)..]);

    /// <summary>From the first end-to-end prefix on; local ones stand before it.</summary>
    private ReadOnlySpan<byte> EndToEndPrefixes
    {
        get
        {
            int start = 0;
            while (start < _prefixBytes && !Prefix(start / TlpLimits.DoublewordBytes).IsEndToEnd)
            {
                start += TlpLimits.DoublewordBytes;
            }

            return _bytes[start.._prefixBytes];
        }
    }

    private static int DataBytes(uint doubleword0) => (int)((doubleword0 & TlpFields.LengthMask) - 1 & TlpFields.LengthMask) + 1 << 2;
}
