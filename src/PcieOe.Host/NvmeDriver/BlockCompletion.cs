using PcieOe.Protocol.Nvme;

namespace PcieOe.Host.NvmeDriver;

/// <summary>The end of a command that went through a <see cref="BlockDeviceChannel"/>.</summary>
/// <param name="Context">As in the command.</param>
public readonly record struct BlockCompletion(ulong Context, NvmeStatus Status);
