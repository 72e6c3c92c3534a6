namespace PcieOe.Protocol.Tlp;

/// <summary>The header of a completion (PCIe base spec. 2.2.9). Data, if there is any, follows behind it.</summary>
public readonly struct CompletionHeader
{
    public const int WrittenLength = TlpLimits.ShortHeaderBytes;

    /// <summary>What completions of anything but memory reads carry as byte count.</summary>
    public const int PlainByteCount = 4;

    public required RoutingId CompleterId { get; init; }

    public required CompletionStatus Status { get; init; }

    public required RoutingId RequesterId { get; init; }

    public required ushort Tag { get; init; }

    /// <summary>Doublewords of data, 0 to 1024; 0 makes a completion without data.</summary>
    public required int LengthDoublewords { get; init; }

    /// <summary>Bytes that the request still lacks, this TLP included: 1 to 4096.</summary>
    public int ByteCount { get; init; }

    /// <summary>Bits 6:0 of the address of the first enabled byte here; 0 for anything but memory reads.</summary>
    public byte LowerAddress { get; init; }

    /// <summary>As in the request.</summary>
    public TlpAttributes Attributes { get; init; }

    public bool IsLocked { get; init; }

    public bool IsByteCountModified { get; init; }

    public bool IsPoisoned { get; init; }

    public bool HasDigest { get; init; }

    public TlpType Type => (LengthDoublewords > 0 ? TlpType.CompletionWithData : TlpType.Completion) | (TlpType)(IsLocked ? 1 : 0);

    /// <summary>The answer to a request of anything but memory reads, or an error: no data, byte count 4.</summary>
    public static CompletionHeader WithoutData(in TlpView request, RoutingId completer, CompletionStatus status) => new()
    {
        CompleterId = completer,
        Status = status,
        RequesterId = request.RequesterId,
        Tag = request.Tag,
        LengthDoublewords = 0,
        ByteCount = PlainByteCount,
        Attributes = request.Attributes,
    };

    public void Write(Span<byte> destination) => TlpFields.Write(
        destination,
        TlpFields.Doubleword0(Type, LengthDoublewords, Attributes, IsPoisoned, HasDigest) | TlpFields.HighTagBits(Tag),
        (uint)CompleterId.Value << 16 | ((uint)Status & 7) << 13 | (IsByteCountModified ? TlpFields.ByteCountModifiedBit : 0) | (uint)ByteCount & TlpFields.ByteCountMask,
        (uint)RequesterId.Value << 16 | (uint)(byte)Tag << 8 | LowerAddress & 0x7Fu);
}
