using System.Text.Json.Nodes;
using PcieOe.Daemon.Status;
using PcieOe.Protocol.Handshake;
using PcieOe.Protocol.Sessions;
using PcieOe.Target.Engine;
using PcieOe.Target.Functions;
using PcieOe.Transport.Hops;

namespace PcieOe.Target.Control;

/// <summary>The target's own part of its status. Built on the worker's thread, where what it reads stands still.</summary>
internal static class TargetStatus
{
    internal static JsonArray Sessions(TargetEngine engine, long now) => [.. engine.Sessions.Established.Select(session => (JsonNode)new JsonObject
    {
        ["id"] = session.Id,
        ["host"] = session.HostName,
        ["function"] = session.FunctionName,
        ["address"] = session.PeerAddress.ToString(),
        ["keyed"] = session.IsKeyed,
        ["mtu"] = session.MaximumTransmissionUnit,
        ["outage"] = session.IsOutage(now),
        ["silent_s"] = Math.Round((now - session.LastHeardAt) / 1e9, 3),
        ["link"] = StatusJson.OfLink(session.Counters, session.SmoothedRoundTripNanoseconds),
    })];

    internal static JsonArray Functions(TargetEngine engine) => [.. engine.Functions.Select(function => (JsonNode)new JsonObject
    {
        ["name"] = function.Name,
        ["description"] = function.Description,
        ["hosts"] = new JsonArray([.. function.Hosts.Order(StringComparer.Ordinal).Select(host => (JsonNode)host)]),
        ["holder"] = function.Session?.HostName,
        ["waiting_bytes"] = function.Bridge.WaitingBytes,
        ["outstanding_reads"] = function.Bridge.OutstandingReadRequests,
        ["bridge"] = Bridge(function.Bridge.Counters),
    })];

    internal static JsonObject Listener(TargetEngine engine)
    {
        ListenerCounters listener = engine.Sessions.ListenerCounters;
        SessionCounters sessions = engine.Sessions.Counters;
        return new JsonObject
        {
            ["sessions_established"] = sessions.Established,
            ["sessions_replaced"] = sessions.Replaced,
            ["sessions_closed"] = sessions.Closed,
            ["sessions_resumed"] = listener.SessionsResumed,
            ["leases_expired"] = sessions.LeasesExpired,
            ["unconfirmed"] = sessions.Unconfirmed,
            ["handshake_frames"] = listener.FramesReceived,
            ["not_authorized"] = listener.NotAuthorized,
            ["refused"] = listener.Refused,
            ["repeated_hellos"] = listener.Repeated,
            ["key_agreements"] = listener.KeyAgreements,
            ["drops"] = new JsonObject
            {
                ["malformed"] = listener.Malformed,
                ["rate_limited"] = listener.RateLimited,
                ["stale_session"] = sessions.StaleFrames,
                ["foreign"] = sessions.ForeignFrames,
                ["bad_public_keys"] = listener.BadPublicKeys,
            },
        };
    }

    /// <summary>Unlike the rest for any thread but the worker's: it takes a while.</summary>
    internal static JsonArray Hops(LabelledHops totals) => HopsJson.Of(totals, "target");

    private static JsonObject Bridge(FunctionBridgeCounters counters) => new()
    {
        ["tlps_received"] = counters.TlpsReceived,
        ["tlps_unparsable"] = counters.UnparsableTlps,
        ["tlps_malformed"] = counters.MalformedTlps,
        ["requests_poisoned"] = counters.PoisonedRequests,
        ["requests_unsupported"] = counters.UnsupportedRequests,
        ["requests_dropped"] = counters.DroppedRequests,
        ["writes_unclaimed"] = counters.UnclaimedWrites,
        ["messages_ignored"] = counters.IgnoredMessages,
        ["completions_unexpected"] = counters.UnexpectedCompletions,
        ["completions_late"] = counters.LateCompletions,
        ["completions_malformed"] = counters.MalformedCompletions,
        ["completions_poisoned"] = counters.PoisonedCompletions,
        ["reads_sent"] = counters.ReadRequestsSent,
        ["reads_failed"] = counters.FailedReadRequests,
        ["reads_timed_out"] = counters.TimedOutReadRequests,
        ["writes_sent"] = counters.WriteRequestsSent,
        ["transactions_sent"] = counters.TransactionsSent,
        ["transactions_blocked"] = counters.TransactionsBlocked,
        ["commands_deferred"] = counters.DeferredCommands,
        ["commands_dropped"] = counters.DroppedCommands,
        ["function_level_resets"] = counters.FunctionLevelResets,
    };
}
