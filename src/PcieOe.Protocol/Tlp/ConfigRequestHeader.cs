namespace PcieOe.Protocol.Tlp;

/// <summary>
/// The header of a configuration request, one doubleword (PCIe base spec. 2.2.7). A write's four bytes of data follow behind it, the byte
/// at the lowest offset first.
/// </summary>
public readonly struct ConfigRequestHeader
{
    public const int WrittenLength = TlpLimits.ShortHeaderBytes;

    public required bool IsWrite { get; init; }

    /// <summary>Type 1 goes on through bridges, type 0 has arrived.</summary>
    public bool IsType1 { get; init; }

    public required RoutingId DestinationId { get; init; }

    /// <summary>0 to 4095; bits 1:0 are left out.</summary>
    public required int RegisterOffset { get; init; }

    public required RoutingId RequesterId { get; init; }

    public required ushort Tag { get; init; }

    /// <summary>Bit i enables byte i.</summary>
    public required byte ByteEnables { get; init; }

    public bool IsPoisoned { get; init; }

    public bool HasDigest { get; init; }

    public TlpType Type => (IsWrite, IsType1) switch
    {
        (false, false) => TlpType.ConfigRead0,
        (true, false) => TlpType.ConfigWrite0,
        (false, true) => TlpType.ConfigRead1,
        (true, true) => TlpType.ConfigWrite1,
    };

    public void Write(Span<byte> destination) => TlpFields.Write(
        destination,
        TlpFields.Doubleword0(Type, 1, default, IsPoisoned, HasDigest) | TlpFields.HighTagBits(Tag),
        TlpFields.RequestDoubleword1(RequesterId, Tag, new ByteEnables(ByteEnables, 0)),
        (uint)DestinationId.Value << 16 | (uint)RegisterOffset & 0xFFC);
}
