using System.Runtime.InteropServices;

namespace PcieOe.Protocol.Nvme;

/// <summary>A submission queue entry as it lies in memory, little-endian, 64 bytes (NVMe 1.4, section 4.2).</summary>
[StructLayout(LayoutKind.Explicit, Size = SizeBytes)]
public struct SubmissionEntry
{
    public const int SizeBytes = 64;

    /// <summary>The namespace identifier that stands for every namespace.</summary>
    public const uint AllNamespaces = 0xFFFF_FFFF;

    /// <summary>FUSE, bits 1:0 of <see cref="Flags"/>.</summary>
    public const byte FusedMask = 0x03;

    /// <summary>Bits 5:2 of <see cref="Flags"/>.</summary>
    public const byte ReservedFlagsMask = 0x3C;

    [FieldOffset(0)] public byte Opcode;

    /// <summary>FUSE 1:0, PSDT 7:6.</summary>
    [FieldOffset(1)] public byte Flags;

    [FieldOffset(2)] public ushort CommandId;
    [FieldOffset(4)] public uint NamespaceId;
    [FieldOffset(8)] public uint CommandDword2;
    [FieldOffset(12)] public uint CommandDword3;

    /// <summary>MPTR.</summary>
    [FieldOffset(16)] public ulong MetadataPointer;

    [FieldOffset(24)] public ulong Prp1;
    [FieldOffset(32)] public ulong Prp2;

    /// <summary>The data pointer where PSDT says SGL; shares its bytes with the PRP entries.</summary>
    [FieldOffset(24)] public SglDescriptor Sgl;

    [FieldOffset(40)] public uint CommandDword10;
    [FieldOffset(44)] public uint CommandDword11;
    [FieldOffset(48)] public uint CommandDword12;
    [FieldOffset(52)] public uint CommandDword13;
    [FieldOffset(56)] public uint CommandDword14;
    [FieldOffset(60)] public uint CommandDword15;

    /// <summary>SLBA of the NVM commands: dwords 10 and 11.</summary>
    [FieldOffset(40)] public ulong StartingLba;

    /// <summary>PSDT.</summary>
    public DataPointerKind DataPointer
    {
        readonly get => (DataPointerKind)(Flags >> 6);
        set => Flags = (byte)(Flags & 0x3F | (int)value << 6);
    }
}

/// <summary>PSDT: how an entry points to its data.</summary>
public enum DataPointerKind : byte
{
    Prp = 0,

    /// <summary>SGL; metadata, if any, is one contiguous buffer.</summary>
    Sgl = 1,

    /// <summary>SGL; metadata, if any, has an SGL of its own.</summary>
    SglMetadataSgl = 2,
    Reserved = 3,
}
