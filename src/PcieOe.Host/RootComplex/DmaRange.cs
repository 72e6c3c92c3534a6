using System.Runtime.InteropServices;

namespace PcieOe.Host.RootComplex;

/// <summary>One range of a <see cref="DmaWindow"/>: addressable memory, or a client to be asked.</summary>
[StructLayout(LayoutKind.Auto)]
internal unsafe struct DmaRange
{
    public ulong First;

    /// <summary>The last address within, so that a range may end at 2^64.</summary>
    public ulong Last;

    public byte* Memory;
    public IDmaMemory? Client;
    public DmaAccess Access;

    public readonly bool Contains(ulong address) => address >= First && address <= Last;
}

/// <summary>How a transfer can reach its memory.</summary>
internal enum DmaReach : byte
{
    Refused,
    Direct,
    ThroughClient,
}
