using System.Buffers.Binary;

namespace PcieOe.Protocol.Tlp;

/// <summary>How a message finds its receiver (PCIe base spec. 2.2.8, table 2-20): Type's bits 2:0.</summary>
public enum MessageRouting : byte
{
    ToRootComplex = 0,
    ByAddress = 1,
    ById = 2,
    Broadcast = 3,
    Local = 4,
    Gathered = 5,
}

/// <summary>The header of a message, always 16 bytes (PCIe base spec. 2.2.8). Data, if there is any, follows behind it.</summary>
public readonly struct MessageHeader
{
    public const int WrittenLength = TlpLimits.LongHeaderBytes;

    public required MessageRouting Routing { get; init; }

    public required MessageCode Code { get; init; }

    public required RoutingId RequesterId { get; init; }

    public byte Tag { get; init; }

    /// <summary>Doublewords of data, 0 to 1024; 0 makes a message without data.</summary>
    public int LengthDoublewords { get; init; }

    /// <summary>The header's third doubleword; for vendor-defined messages destination ID and vendor ID.</summary>
    public uint Doubleword2 { get; init; }

    /// <summary>The header's fourth doubleword; for vendor-defined messages the vendor's own.</summary>
    public uint Doubleword3 { get; init; }

    public TlpAttributes Attributes { get; init; }

    public bool IsPoisoned { get; init; }

    public bool HasDigest { get; init; }

    public TlpType Type => (TlpType)((LengthDoublewords > 0 ? 0x70u : 0x30u) | (uint)Routing & 7);

    /// <summary>A vendor-defined message of type 1, which receivers that do not know it drop silently (PCIe base spec. 2.2.8.6).</summary>
    /// <param name="vendorDoubleword">The header's last doubleword, the vendor's own.</param>
    public static MessageHeader VendorDefined(MessageRouting routing, RoutingId requester, RoutingId destination, ushort vendorId, uint vendorDoubleword, int lengthDoublewords) => new()
    {
        Routing = routing,
        Code = MessageCode.VendorDefinedType1,
        RequesterId = requester,
        LengthDoublewords = lengthDoublewords,
        Doubleword2 = (uint)destination.Value << 16 | vendorId,
        Doubleword3 = vendorDoubleword,
    };

    public void Write(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt32BigEndian(destination[12..], Doubleword3);
        TlpFields.Write(
            destination,
            TlpFields.Doubleword0(Type, LengthDoublewords, Attributes, IsPoisoned, HasDigest),
            (uint)RequesterId.Value << 16 | (uint)Tag << 8 | (uint)Code,
            Doubleword2);
    }
}
