using System.Text.Json.Nodes;
using PcieOe.Daemon.Workers;
using PcieOe.Transport.Policies.Gatekeeper;

namespace PcieOe.Daemon.Control;

/// <summary>
/// The control command that both daemons have for bandwidth limits: "bandwidth-set" changes a tenant's
/// ("tenant", and of "egress_min_mbps", "egress_max_mbps", "ingress_min_mbps", "ingress_max_mbps" those that change; a maximum of 0
/// takes it away).
/// </summary>
public static class PolicyCommands
{
    private const string NoSection = "This daemon has no bandwidth limits: give its configuration a section 'gatekeeper' (docs/policies.md).";

    /// <param name="find">The port's Gatekeeper; asked on the worker's thread.</param>
    public static Task<JsonObject> SetAsync(JsonObject request, PollWorker worker, Func<PortGatekeeper?> find) => worker.AskAsync(_ =>
    {
        if (find() is not { LinkMegabitsPerSecond: not null } gatekeeper)
        {
            return ControlProtocol.Error(NoSection);
        }

        string name = request.Text("tenant") ?? string.Empty;
        TenantBandwidth? tenant = gatekeeper.Report().FirstOrDefault(entry => entry.Name == name);
        IReadOnlyList<string> mistakes = gatekeeper.SetLimits(
            name,
            Changed(request, "egress", tenant?.Egress.Limits ?? default),
            Changed(request, "ingress", tenant?.Ingress.Limits ?? default));
        return mistakes.Count == 0 ? ControlProtocol.Success() : ControlProtocol.Error(string.Join(' ', mistakes));
    });

    private static BandwidthLimits Changed(JsonObject request, string direction, BandwidthLimits present)
    {
        double maximum = request.Number($"{direction}_max_mbps", present.MaximumMegabitsPerSecond ?? 0);
        return new BandwidthLimits(request.Number($"{direction}_min_mbps", present.MinimumMegabitsPerSecond), maximum == 0 ? null : maximum);
    }
}
