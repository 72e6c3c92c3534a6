using PcieOe.Daemon.Configuration;
using PcieOe.Transport.Interop;
using PcieOe.Transport.Policies.Gatekeeper;
using PcieOe.Transport.Ports;

namespace PcieOe.Daemon.Workers;

/// <summary>Makes the Gatekeeper that settings describe.</summary>
public static class GatekeeperOpener
{
    /// <param name="flows">The most sessions that the port can have.</param>
    /// <returns>Null: the settings have none.</returns>
    /// <exception cref="PortException">The link's rate is not to be had, or does not suffice for what was promised.</exception>
    public static PortGatekeeper? Open(DaemonSettings settings, int flows)
    {
        if (settings.Gatekeeper is not { } options)
        {
            return null;
        }

        double link = options.LinkMegabitsPerSecond ?? InterfaceSpeed.Read(settings.Port.Interface) ?? throw new PortException(
            $"{settings.Port.Interface} does not say what rate its link has: set gatekeeper.linkMbps.");
        IReadOnlyList<GatekeeperMistake> mistakes = options.Validate(link);
        return mistakes.Count == 0
            ? new PortGatekeeper(options, link, flows)
            : throw new PortException(string.Join(' ', mistakes.Select(mistake => $"gatekeeper.{mistake}")));
    }
}
