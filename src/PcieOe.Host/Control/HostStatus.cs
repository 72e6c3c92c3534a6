using System.Text.Json.Nodes;
using PcieOe.Daemon.Status;
using PcieOe.Host.Engine;
using PcieOe.Host.FrontEnds.Nbd.Server;
using PcieOe.Host.FrontEnds.VfioUser;
using PcieOe.Host.Hops;
using PcieOe.Host.RootComplex;
using PcieOe.Transport.Hops;

namespace PcieOe.Host.Control;

/// <summary>The host agent's own part of its status. What it says of attachments is built on the worker's thread, where what it reads stands still.</summary>
internal static class HostStatus
{
    internal static JsonArray Attachments(HostEngine engine) => [.. engine.Attachments.Select(attachment => (JsonNode)new JsonObject
    {
        ["name"] = attachment.Name,
        ["session"] = attachment.Session.State.ToString().ToLowerInvariant(),
        ["session_id"] = attachment.Session.TargetSessionId,
        ["target"] = attachment.Session.Info.TargetName,
        ["function"] = attachment.Session.Info.FunctionName,
        ["keyed"] = attachment.Session.IsKeyed,
        ["mtu"] = attachment.Session.Info.MaximumTransmissionUnit,
        ["state"] = attachment.Port.State.ToString().ToLowerInvariant(),
        ["problem"] = attachment.Problem,
        ["outages"] = attachment.Outages,
        ["sessions_lost"] = attachment.SessionsLost,
        ["stale_frames"] = attachment.Session.StaleFrames,
        ["link"] = StatusJson.OfLink(attachment.Session.Counters, attachment.Session.SmoothedRoundTripNanoseconds),
        ["root_complex"] = RootComplex(attachment.Port),
        ["front_ends"] = attachment.FrontEnds.Count,
        ["vfio_user"] = new JsonArray([.. attachment.FrontEnds.OfType<VfioUserFrontEnd>().Select(VfioUserStatus.Of)]),
    })];

    internal static JsonArray NbdServers(IEnumerable<NbdServer> servers) => [.. servers.Select(server => (JsonNode)new JsonObject
    {
        ["address"] = server.Address.ToString(),
        ["connections"] = server.Counters.Connections,
        ["connections_accepted"] = server.Counters.ConnectionsAccepted,
        ["connections_cut"] = server.Counters.ConnectionsCut,
        ["requests"] = server.Counters.Requests,
        ["requests_failed"] = server.Counters.RequestsFailed,
    })];

    /// <summary>Unlike the rest for any thread but the worker's: it takes a while.</summary>
    internal static JsonObject Hops(HopSampler sampler)
    {
        using HopHistograms all = sampler.Recorder.Totals.Merge();
        JsonObject hops = HopsJson.Of(all, "end-to-end");
        hops["parts"] = HopsJson.Parts(all);
        hops["kinds"] = HopsJson.Of(sampler.Recorder.Totals, "end-to-end");
        ClockSummary clock = sampler.Recorder.Clock;
        hops["sample_every"] = sampler.Every;
        hops["residual_us"] = all.ResidualMicroseconds;
        hops["clock"] = new JsonObject { ["source"] = clock.Source, ["error_bound_us"] = clock.ErrorBoundMicroseconds, ["offset_us"] = sampler.Recorder.OffsetMicroseconds };
        return hops;
    }

    private static JsonObject RootComplex(RootPort port)
    {
        RootComplexCounters counters = port.Counters;
        return new JsonObject
        {
            ["mapped_ranges"] = port.MappedRanges,
            ["waiting_dma_reads"] = port.WaitingDmaReads,
            ["waiting_request_bytes"] = port.WaitingRequestBytes,
            ["config_requests"] = counters.ConfigRequests,
            ["region_reads"] = counters.RegionReads,
            ["region_reads_substituted"] = counters.RegionReadsSubstituted,
            ["region_reads_failed"] = counters.RegionReadsFailed,
            ["region_writes"] = counters.RegionWrites,
            ["region_writes_dropped"] = counters.RegionWritesDropped,
            ["dma_reads"] = counters.DmaReads,
            ["dma_read_bytes"] = counters.DmaReadBytes,
            ["dma_reads_refused"] = counters.DmaReadsRefused,
            ["dma_reads_aborted"] = counters.DmaReadsAborted,
            ["dma_reads_dropped"] = counters.DmaReadsDropped,
            ["dma_writes"] = counters.DmaWrites,
            ["dma_write_bytes"] = counters.DmaWriteBytes,
            ["dma_writes_refused"] = counters.DmaWritesRefused,
            ["dma_writes_dropped"] = counters.DmaWritesDropped,
            ["interrupts"] = counters.Interrupts,
            ["interrupts_unknown"] = counters.InterruptsUnknown,
            ["messages"] = counters.Messages,
            ["requests_unsupported"] = counters.UnsupportedRequests,
            ["completions_unexpected"] = counters.CompletionsUnexpected,
            ["completions_late"] = counters.CompletionsLate,
            ["completions_malformed"] = counters.CompletionsMalformed,
            ["completion_timeouts"] = counters.CompletionTimeouts,
            ["tlps_malformed"] = counters.TlpsMalformed,
            ["tlps_poisoned"] = counters.TlpsPoisoned,
            ["enumerations"] = counters.Enumerations,
            ["enumeration_retries"] = counters.EnumerationRetries,
            ["replacements"] = counters.Replacements,
            ["resets"] = counters.Resets,
        };
    }
}
