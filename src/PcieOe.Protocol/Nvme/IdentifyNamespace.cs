using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace PcieOe.Protocol.Nvme;

/// <summary>The Identify Namespace data structure, little-endian, 4096 bytes (NVMe 1.4, figure 249). Fields not used here are left out.</summary>
[StructLayout(LayoutKind.Explicit, Size = SizeBytes)]
public struct IdentifyNamespace
{
    public const int SizeBytes = 4096;

    /// <summary>NSZE, blocks.</summary>
    [FieldOffset(0)] public ulong SizeBlocks;

    /// <summary>NCAP, blocks.</summary>
    [FieldOffset(8)] public ulong CapacityBlocks;

    /// <summary>NUSE, blocks.</summary>
    [FieldOffset(16)] public ulong UtilizationBlocks;

    /// <summary>NSFEAT (bit 0 thin provisioning, bit 4 the NPWG group of fields).</summary>
    [FieldOffset(24)] public byte Features;

    /// <summary>NLBAF, zero-based.</summary>
    [FieldOffset(25)] public byte NumberOfLbaFormats;

    /// <summary>FLBAS: the format in use, bits 3:0.</summary>
    [FieldOffset(26)] public byte FormattedLbaSize;

    /// <summary>MC.</summary>
    [FieldOffset(27)] public byte MetadataCapabilities;

    /// <summary>DPC.</summary>
    [FieldOffset(28)] public byte ProtectionCapabilities;

    /// <summary>DPS.</summary>
    [FieldOffset(29)] public byte ProtectionSettings;

    /// <summary>NMIC.</summary>
    [FieldOffset(30)] public byte Sharing;

    /// <summary>DLFEAT: what deallocated blocks read as (001b: zeroes), bit 3: Write Zeroes may deallocate.</summary>
    [FieldOffset(33)] public byte DeallocateFeatures;

    /// <summary>NVMCAP, lower half, bytes.</summary>
    [FieldOffset(48)] public ulong AllocatedBytes;

    /// <summary>NPWG, zero-based, blocks.</summary>
    [FieldOffset(64)] public ushort PreferredWriteGranularity;

    /// <summary>NPWA, zero-based, blocks.</summary>
    [FieldOffset(66)] public ushort PreferredWriteAlignment;

    /// <summary>NPDG, zero-based, blocks.</summary>
    [FieldOffset(68)] public ushort PreferredDeallocateGranularity;

    /// <summary>NPDA, zero-based, blocks.</summary>
    [FieldOffset(70)] public ushort PreferredDeallocateAlignment;

    /// <summary>NOWS, zero-based, blocks.</summary>
    [FieldOffset(72)] public ushort OptimalWriteSize;

    /// <summary>NGUID.</summary>
    [FieldOffset(104)] public Bytes16 GloballyUniqueId;

    /// <summary>EUI64, big-endian.</summary>
    [FieldOffset(120)] public ulong ExtendedUniqueId;

    [FieldOffset(128)] public LbaFormats Formats;

    /// <summary>The block size of the format in use, bytes; 0 for an inactive namespace's zeroes or an exponent out of reason.</summary>
    public readonly int BlockBytes
    {
        get
        {
            int exponent = Formats[FormattedLbaSize & 0xF].DataSizeExponent;
            return exponent is >= 9 and <= 16 ? 1 << exponent : 0;
        }
    }

    [InlineArray(16)]
    public struct Bytes16
    {
        private byte _first;
    }

    [InlineArray(16)]
    public struct LbaFormats
    {
        private LbaFormat _first;
    }
}

/// <summary>An LBA format (NVMe 1.4, figure 250), 4 bytes.</summary>
[StructLayout(LayoutKind.Explicit, Size = 4)]
public struct LbaFormat
{
    /// <summary>MS.</summary>
    [FieldOffset(0)] public ushort MetadataBytes;

    /// <summary>LBADS: blocks have 2 ^ LBADS bytes.</summary>
    [FieldOffset(2)] public byte DataSizeExponent;

    /// <summary>RP, bits 1:0; 0 is best.</summary>
    [FieldOffset(3)] public byte RelativePerformance;
}

/// <summary>A range of Dataset Management, little-endian, 16 bytes (NVMe 1.4, figure 367).</summary>
[StructLayout(LayoutKind.Explicit, Size = SizeBytes)]
public struct DatasetManagementRange
{
    public const int SizeBytes = 16;

    [FieldOffset(0)] public uint ContextAttributes;
    [FieldOffset(4)] public uint LengthBlocks;
    [FieldOffset(8)] public ulong StartingLba;
}
