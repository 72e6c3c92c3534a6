using System.Text.Json.Nodes;
using PcieOe.Transport.Policies.Gatekeeper;

namespace PcieOe.Daemon.Status;

/// <summary>Gatekeeper in a daemon's status: configured against achieved, for each tenant (docs/report-format.md, "Status").</summary>
public static class GatekeeperStatus
{
    public static JsonObject Of(PortGatekeeper gatekeeper) => new()
    {
        ["link_mbps"] = gatekeeper.LinkMegabitsPerSecond,
        ["tenants"] = new JsonArray([.. gatekeeper.Report().Select(tenant => (JsonNode)new JsonObject
        {
            ["name"] = tenant.Name,
            ["sessions"] = tenant.Sessions,
            ["egress"] = Of(tenant.Egress),
            ["ingress"] = Of(tenant.Ingress),
            ["feedback_sent"] = tenant.FeedbackSent,
            ["feedback_received"] = tenant.FeedbackReceived,
        })]),
    };

    private static JsonObject Of(DirectionBandwidth direction) => new()
    {
        ["min_mbps"] = direction.Limits.MinimumMegabitsPerSecond,
        ["max_mbps"] = direction.Limits.MaximumMegabitsPerSecond,
        ["achieved_mbps"] = direction.AchievedMegabitsPerSecond,
        ["held_to_mbps"] = direction.HeldToMegabitsPerSecond,
        ["bytes"] = direction.Bytes,
    };
}
