using System.Text.Json.Nodes;
using PcieOe.Cli.Lab.Daemons;
using PcieOe.Transport.Policies.Gatekeeper;

namespace PcieOe.Cli.Lab.Scenarios;

/// <summary>What a daemon has received of each tenant, sampled: its own counters at instants of the machine's monotonic clock.</summary>
/// <param name="tenantOf">Whose the session of a name in the daemon's samples is.</param>
internal sealed class ArrivalRecord(Func<string, string> tenantOf)
{
    private const double IntervalMilliseconds = 25;

    private readonly Dictionary<string, List<(long At, long Bytes)>> _samples = [];

    /// <summary>Records for so long.</summary>
    internal async Task RunAsync(DaemonProcess daemon, double seconds, CancellationToken cancellation)
    {
        JsonObject request = new() { ["command"] = "sample", ["seconds"] = seconds, ["interval_ms"] = IntervalMilliseconds };
        await daemon.AskAsync(request, Add, cancellation).ConfigureAwait(false);
    }

    /// <summary>When a tenant's bytes began to arrive, not before <paramref name="notBefore"/>.</summary>
    internal long FirstArrival(string tenant, long notBefore)
    {
        List<(long At, long Bytes)> samples = _samples[tenant];
        int first = samples.FindIndex(sample => sample.At >= notBefore);
        int begun = first < 0 ? -1 : samples.FindIndex(first, sample => sample.Bytes > samples[first].Bytes);
        return begun < 0 ? throw new LabException($"Nothing came of {tenant}.") : samples[begun].At;
    }

    /// <summary>Megabits a second on the wire between two instants, as near as there are samples.</summary>
    internal double Average(string tenant, long from, long to)
    {
        List<(long At, long Bytes)> within = Within(tenant, from, to);
        return within.Count < 2 ? 0 : Rate(within[0], within[^1]);
    }

    /// <summary>The lowest rate in any stretch of at least so long between two instants, Mb/s.</summary>
    internal double Worst(string tenant, long from, long to, long windowNanoseconds)
    {
        List<(long At, long Bytes)> within = Within(tenant, from, to);
        double worst = double.PositiveInfinity;
        for (int first = 0, last = 0; last < within.Count; last++)
        {
            // The shortest stretch that ends here and is long enough.
            while (within[last].At - within[first + 1 < last ? first + 1 : first].At >= windowNanoseconds && first + 1 < last)
            {
                first++;
            }

            if (within[last].At - within[first].At >= windowNanoseconds)
            {
                worst = Math.Min(worst, Rate(within[first], within[last]));
            }
        }

        return double.IsPositiveInfinity(worst) ? 0 : worst;
    }

    private static double Rate((long At, long Bytes) first, (long At, long Bytes) last) => (last.Bytes - first.Bytes) * 8e3 / (last.At - first.At);

    private List<(long At, long Bytes)> Within(string tenant, long from, long to) =>
        [.. _samples[tenant].Where(sample => sample.At >= from && sample.At <= to)];

    private void Add(JsonObject line)
    {
        long now = line["now_ns"]!.GetValue<long>();
        foreach (IGrouping<string, JsonNode> tenant in line["sessions"]!.AsArray().OfType<JsonNode>().GroupBy(session => tenantOf(session["name"]!.GetValue<string>())))
        {
            if (!_samples.TryGetValue(tenant.Key, out List<(long, long)>? samples))
            {
                _samples[tenant.Key] = samples = [];
            }

            samples.Add((now, tenant.Sum(session => session["bytes_received"]!.GetValue<long>() + session["frames_received"]!.GetValue<long>() * EgressScheduler.WireOverheadBytes)));
        }
    }
}
