using System.Runtime.InteropServices;

namespace PcieOe.Protocol.Nvme;

/// <summary>
/// An SGL descriptor, little-endian, 16 bytes (NVMe 1.4, section 4.4): address 7:0, length 11:8, reserved 14:12, identifier 15
/// (subtype in its bits 3:0, type in its bits 7:4). Keyed descriptors lay their bytes out otherwise; nothing here takes them.
/// </summary>
[StructLayout(LayoutKind.Explicit, Size = SizeBytes)]
public struct SglDescriptor
{
    public const int SizeBytes = 16;

    [FieldOffset(0)] public ulong Address;
    [FieldOffset(8)] public uint LengthBytes;
    [FieldOffset(15)] public byte Identifier;

    public readonly SglType Type => (SglType)(Identifier >> 4);

    /// <summary>0: the address is one of memory.</summary>
    public readonly int Subtype => Identifier & 0xF;

    /// <summary>A descriptor whose address is one of memory.</summary>
    public static SglDescriptor Create(SglType type, ulong address, uint lengthBytes) =>
        new() { Address = address, LengthBytes = lengthBytes, Identifier = (byte)((int)type << 4) };
}

/// <summary>SGL descriptor types (NVMe 1.4, figure 116).</summary>
public enum SglType : byte
{
    DataBlock = 0,
    BitBucket = 1,
    Segment = 2,
    LastSegment = 3,
    KeyedDataBlock = 4,
    TransportDataBlock = 5,
    VendorSpecific = 15,
}
