using PcieOe.Host.FrontEnds.Nbd.Protocol;
using PcieOe.Host.NvmeDriver;

namespace PcieOe.Host.FrontEnds.Nbd.Server;

/// <summary>A block device, and the server's one channel to it. On the server's thread.</summary>
internal sealed class ServedDevice(int index, BlockDevice device, BlockDeviceChannel channel, string name, bool isReadOnly)
{
    private BlockDeviceInfo? _known;

    internal BlockDevice Device => device;

    internal BlockDeviceChannel Channel => channel;

    /// <summary>Its exports, as soon as the device has once been ready.</summary>
    internal IReadOnlyList<NbdExport> Exports { get; private set; } = [];

    internal bool IsKnown => device.Info is not null;

    /// <summary>Commands were submitted that the worker has not been told of.</summary>
    internal bool HasSubmitted { get; set; }

    /// <summary>Looks whether the device describes itself otherwise than before.</summary>
    internal void Refresh()
    {
        if (device.Info is not { } info || ReferenceEquals(info, _known))
        {
            return;
        }

        _known = info;
        Exports = [.. info.Namespaces.Select((space, place) => new NbdExport(
            place == 0 ? name : $"{name}/{space.Id}",
            $"NVMe namespace {space.Id} of {name}, over Ethernet",
            index,
            space.Id,
            space.BlockBytes,
            space.Blocks * (ulong)space.BlockBytes,
            info.MaximumTransferBytes,
            isReadOnly))];
    }
}
