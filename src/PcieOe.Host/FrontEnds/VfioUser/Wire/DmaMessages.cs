using System.Runtime.InteropServices;

namespace PcieOe.Host.FrontEnds.VfioUser.Wire;

/// <summary>DMA_MAP: the client's memory at a bus address. With a descriptor the memory lies in that file, from the offset on.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct DmaMapMessage
{
    public const int Bytes = 32;
    public const uint ReadableFlag = 1 << 0;
    public const uint WritableFlag = 1 << 1;

    public uint ArgumentSize;
    public uint Flags;
    public ulong FileOffset;
    public ulong Address;
    public ulong Length;
}

/// <summary>DMA_UNMAP: names a mapping exactly, or with the all flag (address and length 0) every one. The reply echoes it.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct DmaUnmapMessage
{
    public const int Bytes = 24;
    public const uint AllFlag = 1 << 1;

    public uint ArgumentSize;
    public uint Flags;
    public ulong Address;
    public ulong Length;
}

/// <summary>DMA_READ and DMA_WRITE, from the server to the client, and their replies; the data follows where it goes along.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct DmaAccessMessage
{
    public const int Bytes = 16;

    public ulong Address;
    public ulong Count;
}
