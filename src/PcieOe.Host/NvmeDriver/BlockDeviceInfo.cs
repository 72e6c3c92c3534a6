namespace PcieOe.Host.NvmeDriver;

/// <summary>What clients on other threads may know of a block device: a picture taken when the driver was last ready.</summary>
/// <param name="MaximumTransferBytes">The longest transfer of one command.</param>
/// <param name="HasVolatileWriteCache">False: what is acknowledged is durable, flush or not.</param>
public sealed record BlockDeviceInfo(IReadOnlyList<NamespaceInfo> Namespaces, int MaximumTransferBytes, bool HasVolatileWriteCache);
