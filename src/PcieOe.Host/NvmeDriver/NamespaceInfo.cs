namespace PcieOe.Host.NvmeDriver;

/// <summary>An active namespace.</summary>
/// <param name="Id">NSID.</param>
/// <param name="BlockBytes">512 or more, a power of two.</param>
/// <param name="Blocks">Its size.</param>
public readonly record struct NamespaceInfo(uint Id, int BlockBytes, ulong Blocks);
