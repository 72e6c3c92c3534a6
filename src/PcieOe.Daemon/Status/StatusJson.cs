using System.Diagnostics;
using System.Text.Json.Nodes;
using PcieOe.Daemon.Workers;
using PcieOe.Protocol.Link;
using PcieOe.Transport.Ports;

namespace PcieOe.Daemon.Status;

/// <summary>The parts of a status answer that both daemons have (docs/report-format.md, "Status").</summary>
public static class StatusJson
{
    public static JsonObject OfPort(IPort port)
    {
        PortCounters counters = port.Counters;
        return new JsonObject
        {
            ["name"] = port.Name,
            ["address"] = port.Address.ToString(),
            ["mtu"] = port.MaximumTransmissionUnit,
            ["state"] = port.State switch { PortState.Up => "up", PortState.Down => "down", _ => "mtu-too-small" },
            ["frames_received"] = counters.FramesReceived,
            ["bytes_received"] = counters.BytesReceived,
            ["frames_sent"] = counters.FramesSent,
            ["bytes_sent"] = counters.BytesSent,
            ["receive_drops"] = counters.ReceiveDrops,
            ["send_drops"] = counters.SendDrops,
            ["sends_while_down"] = counters.SendsWhileDown,
            ["recoveries"] = counters.Recoveries,
        };
    }

    public static JsonObject OfLink(in LinkCounters counters, long smoothedRoundTripNanoseconds) => new()
    {
        ["rtt_us"] = smoothedRoundTripNanoseconds / 1000.0,
        ["frames_sent"] = counters.FramesSent,
        ["bytes_sent"] = counters.BytesSent,
        ["data_frames_sent"] = counters.DataFramesSent,
        ["ack_frames_sent"] = counters.AckFramesSent,
        ["frames_received"] = counters.FramesReceived,
        ["bytes_received"] = counters.BytesReceived,
        ["data_frames_received"] = counters.DataFramesReceived,
        ["data_frames_delivered"] = counters.DataFramesDelivered,
        ["retransmits"] = counters.FastRetransmits + counters.ProbeRetransmits + counters.TimerRetransmits,
        ["retransmits_fast"] = counters.FastRetransmits,
        ["retransmits_probe"] = counters.ProbeRetransmits,
        ["retransmits_timer"] = counters.TimerRetransmits,
        ["retransmits_spurious"] = counters.SpuriousRetransmits,
        ["duplicates"] = counters.DuplicateData,
        ["reordered"] = counters.ReorderedData,
        ["drops"] = new JsonObject
        {
            ["malformed"] = counters.Malformed,
            ["check_failed"] = counters.CheckFailures,
            ["replayed"] = counters.Replays,
            ["outside_window"] = counters.OutsideWindow,
            ["false_statements"] = counters.FalseStatements,
            ["not_sent"] = counters.SendFailures,
        },
    };

    public static JsonObject OfWorker(PollWorker worker, string policy) => new()
    {
        ["policy"] = policy,
        ["rounds"] = worker.Rounds,
        ["busy_rounds"] = worker.BusyRounds,
        ["sleeps"] = worker.Sleeps,
    };

    /// <summary>The process: how long it runs, what it holds, what its collector did.</summary>
    public static JsonObject OfProcess()
    {
        using Process process = Process.GetCurrentProcess();
        return new JsonObject
        {
            ["pid"] = Environment.ProcessId,
            ["uptime_s"] = Math.Round((DateTime.Now - process.StartTime).TotalSeconds, 1),
            ["cpu_s"] = Math.Round(process.TotalProcessorTime.TotalSeconds, 3),
            ["memory_mib"] = Math.Round(process.WorkingSet64 / (double)(1 << 20), 1),
            ["gc"] = new JsonObject
            {
                ["gen0"] = GC.CollectionCount(0),
                ["gen1"] = GC.CollectionCount(1),
                ["gen2"] = GC.CollectionCount(2),
                ["pause_us"] = Math.Round(GC.GetTotalPauseDuration().TotalMicroseconds, 1),
                ["allocated_bytes"] = GC.GetTotalAllocatedBytes(),
            },
        };
    }
}
