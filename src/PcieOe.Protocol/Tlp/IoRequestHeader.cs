namespace PcieOe.Protocol.Tlp;

/// <summary>The header of an I/O request, one doubleword (PCIe base spec. 2.2.7). A write's four bytes of data follow behind it.</summary>
public readonly struct IoRequestHeader
{
    public const int WrittenLength = TlpLimits.ShortHeaderBytes;

    public required bool IsWrite { get; init; }

    /// <summary>Byte address; its bits 1:0 are left out.</summary>
    public required uint Address { get; init; }

    public required RoutingId RequesterId { get; init; }

    public required ushort Tag { get; init; }

    /// <summary>Bit i enables byte i.</summary>
    public required byte ByteEnables { get; init; }

    public bool IsPoisoned { get; init; }

    public bool HasDigest { get; init; }

    public void Write(Span<byte> destination) => TlpFields.Write(
        destination,
        TlpFields.Doubleword0(IsWrite ? TlpType.IoWrite : TlpType.IoRead, 1, default, IsPoisoned, HasDigest) | TlpFields.HighTagBits(Tag),
        TlpFields.RequestDoubleword1(RequesterId, Tag, new ByteEnables(ByteEnables, 0)),
        Address & ~3u);
}
