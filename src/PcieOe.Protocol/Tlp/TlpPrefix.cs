using System.Buffers.Binary;

namespace PcieOe.Protocol.Tlp;

/// <summary>One doubleword before a TLP's header (PCIe base spec. 2.2.10): Fmt 100b, Type in bits 28:24, the rest is the type's own.</summary>
public readonly record struct TlpPrefix(uint Value)
{
    public const int WrittenLength = 4;

    /// <summary>First byte: 80h to 8Fh local, 90h to 9Fh end-to-end.</summary>
    public byte Type => (byte)(Value >> 24);

    /// <summary>Carried to the receiver as it is, and covered by the ECRC; local ones belong to one link.</summary>
    public bool IsEndToEnd => (Type & 0x10) != 0;

    public void Write(Span<byte> destination) => BinaryPrimitives.WriteUInt32BigEndian(destination, Value);
}
