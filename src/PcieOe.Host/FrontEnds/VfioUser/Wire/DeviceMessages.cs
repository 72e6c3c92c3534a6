using System.Runtime.InteropServices;

namespace PcieOe.Host.FrontEnds.VfioUser.Wire;

/// <summary>DEVICE_GET_INFO, both ways (struct vfio_device_info).</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct DeviceInfoMessage
{
    public const int Bytes = 16;
    public const uint ResetFlag = 1 << 0;
    public const uint PciFlag = 1 << 1;

    public uint ArgumentSize;
    public uint Flags;
    public uint Regions;
    public uint Interrupts;
}

/// <summary>DEVICE_GET_REGION_INFO, both ways (struct vfio_region_info); capabilities follow in the reply.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct RegionInfoMessage
{
    public const int Bytes = 32;
    public const uint ReadFlag = 1 << 0;
    public const uint WriteFlag = 1 << 1;
    public const uint MapFlag = 1 << 2;
    public const uint CapabilitiesFlag = 1 << 3;

    /// <summary>In a reply: what a whole reply takes. A client whose own is smaller asks again.</summary>
    public uint ArgumentSize;
    public uint Flags;
    public uint Index;
    public uint CapabilityOffset;
    public ulong Length;

    /// <summary>Where the region starts in the file whose descriptor comes along.</summary>
    public ulong FileOffset;
}

/// <summary>The capability that lists the mappable areas of a region (struct vfio_region_info_cap_sparse_mmap).</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct SparseMapCapability
{
    public const int Bytes = 16;
    public const ushort CapabilityId = 1;

    public ushort Id;
    public ushort Version;
    public uint Next;
    public uint Areas;
    public uint Reserved;
}

/// <summary>One area of <see cref="SparseMapCapability"/>, counted from the region's start.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct SparseMapArea
{
    public const int Bytes = 16;

    public ulong Offset;
    public ulong Length;
}

/// <summary>DEVICE_GET_REGION_IO_FDS, both ways; here always without descriptors.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct RegionIoDescriptorsMessage
{
    public const int Bytes = 16;

    public uint ArgumentSize;
    public uint Flags;
    public uint Index;
    public uint Count;
}

/// <summary>REGION_READ and REGION_WRITE, both ways; the data follows where it goes along.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct RegionAccessMessage
{
    public const int Bytes = 16;

    public ulong Offset;
    public uint Region;
    public uint Count;
}

/// <summary>The regions of a PCI device.</summary>
internal static class RegionIndex
{
    public const int LastBar = 5;
    public const int Configuration = 7;
    public const int Count = 9;
}
