using System.Text.Json.Nodes;
using PcieOe.Daemon.Workers;
using PcieOe.Protocol.Link;

namespace PcieOe.Daemon.Control;

/// <summary>
/// The control command "sample": for "seconds", every "interval_ms", a line with what each session's link has counted at one instant of
/// the daemon's monotonic clock.
/// </summary>
public static class SampleCommand
{
    /// <param name="sessions">The sessions by name; asked on the worker's thread.</param>
    public static async Task<JsonObject> RunAsync(
        JsonObject request, PollWorker worker, Func<IEnumerable<(string Name, LinkCounters Counters)>> sessions, Func<JsonObject, ValueTask> progress, CancellationToken cancellation)
    {
        double seconds = Math.Clamp(request.Number("seconds", 1), 0, 3600);
        TimeSpan interval = TimeSpan.FromMilliseconds(Math.Clamp(request.Number("interval_ms", 20), 1, 10_000));
        using PeriodicTimer timer = new(interval);
        DateTime end = DateTime.UtcNow + TimeSpan.FromSeconds(seconds);
        do
        {
            await progress(await worker.AskAsync(now => Sample(sessions(), now)).ConfigureAwait(false)).ConfigureAwait(false);
        }
        while (DateTime.UtcNow < end && await timer.WaitForNextTickAsync(cancellation).ConfigureAwait(false));
        return ControlProtocol.Success();
    }

    private static JsonObject Sample(IEnumerable<(string Name, LinkCounters Counters)> sessions, long now) => new()
    {
        ["progress"] = 0,
        ["now_ns"] = now,
        ["sessions"] = new JsonArray([.. sessions.Select(session => (JsonNode)new JsonObject
        {
            ["name"] = session.Name,
            ["bytes_sent"] = session.Counters.BytesSent,
            ["bytes_received"] = session.Counters.BytesReceived,
            ["frames_sent"] = session.Counters.FramesSent,
            ["frames_received"] = session.Counters.FramesReceived,
        })]),
    };
}
