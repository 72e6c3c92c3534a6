using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace PcieOe.Protocol.Tlp;

/// <summary>
/// The doublewords of a TLP header, big-endian on the wire (PCIe base spec. 2.2.1):
/// <code>
///          31    29 28    24 23 22 20 19 18  17 16 15 14 13 12 11 10 9          0
/// DW0     | Fmt    | Type   |T9| TC |T8|IDO|LN|TH|TD|EP|RO|NS|  AT  |  Length   |
/// request | Requester ID (16)                | Tag (8)   | Last BE | First BE   |
/// Cpl DW1 | Completer ID (16)                | Status (3) |BCM| Byte Count (12) |
/// Cpl DW2 | Requester ID (16)                | Tag (8)   |R| Lower Address (7)  |
/// </code>
/// </summary>
internal static class TlpFields
{
    public const uint Tag9Bit = 1u << 23;
    public const uint Tag8Bit = 1u << 19;
    public const uint LightweightNotificationBit = 1u << 17;
    public const uint ProcessingHintsBit = 1u << 16;
    public const uint DigestBit = 1u << 15;
    public const uint PoisonedBit = 1u << 14;
    public const int AddressTypeShift = 10;
    public const uint LengthMask = 0x3FF;
    public const uint ByteCountModifiedBit = 1u << 12;
    public const uint ByteCountMask = 0xFFF;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Doubleword0(TlpType type, int lengthDoublewords, TlpAttributes attributes, bool isPoisoned, bool hasDigest) =>
        (uint)type << 24 | attributes.Bits | (uint)lengthDoublewords & LengthMask | (isPoisoned ? PoisonedBit : 0) | (hasDigest ? DigestBit : 0);

    /// <summary>T9 and T8, which lie apart from the other eight bits of a tag.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint HighTagBits(ushort tag) => ((uint)tag & 0x200) << 14 | ((uint)tag & 0x100) << 11;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ushort Tag(uint doubleword0, byte low) => (ushort)((doubleword0 & Tag9Bit) >> 14 | (doubleword0 & Tag8Bit) >> 11 | low);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Write(Span<byte> destination, uint doubleword0, uint doubleword1, uint doubleword2)
    {
        BinaryPrimitives.WriteUInt32BigEndian(destination[8..], doubleword2);
        BinaryPrimitives.WriteUInt32BigEndian(destination[4..], doubleword1);
        BinaryPrimitives.WriteUInt32BigEndian(destination, doubleword0);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint RequestDoubleword1(RoutingId requester, ushort tag, ByteEnables enables) =>
        (uint)requester.Value << 16 | (uint)(byte)tag << 8 | (enables.Last & 0xFu) << 4 | enables.First & 0xFu;
}
