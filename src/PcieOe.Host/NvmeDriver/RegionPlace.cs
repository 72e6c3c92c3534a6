namespace PcieOe.Host.NvmeDriver;

/// <summary>A place in a BAR, and the address by which commands name it.</summary>
internal readonly record struct RegionPlace(int Bar, ulong Offset, ulong CommandAddress);
