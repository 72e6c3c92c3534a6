using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using PcieOe.Daemon.Status;

namespace PcieOe.Daemon.Metrics;

/// <summary>
/// A status answer in Prometheus' text format, version 0.0.4 (docs/metrics.md): every number of the status is a metric, named after its
/// place, in seconds and bytes, so that what status counts is never missing here. Entries of lists become labels.
/// </summary>
internal static class PrometheusText
{
    internal const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    /// <summary>Values that go up and down, by their name in the status; all others count up.</summary>
    private static readonly HashSet<string> Gauges =
    [
        "mtu", "rtt_us", "uptime_s", "memory_mib", "silent_s", "waiting_bytes", "waiting_dma_reads", "waiting_request_bytes", "outstanding_reads",
        "mapped_ranges", "connections", "front_ends", "unconfirmed", "session_id", "waiting", "backlog",
        "at_endpoint", "weight", "burst", "rate", "deadline_ms", "share", "sessions",
        "error_bound_us", "offset_us", "residual_us", "sample_every",
    ];

    /// <summary>Ends of names of what goes up and down, too: rates.</summary>
    private static readonly string[] GaugeSuffixes = ["_iops", "_mbps"];

    /// <summary>What identifies an entry of a list, and what its label is called.</summary>
    private static readonly string[] Identities = ["name", "host", "function", "tenant", "class", "opcode", "size", "retransmitted", "address", "socket"];

    private static readonly (string Suffix, string Unit, double Divisor)[] Units =
    [
        ("_ms", "_seconds", 1e3), ("_us", "_seconds", 1e6), ("_ns", "_seconds", 1e9), ("_s", "_seconds", 1), ("_mib", "_bytes", 1.0 / (1 << 20)),
        ("_mbps", "_bits_per_second", 1e-6),
    ];

    private static readonly (string Key, string Quantile)[] Quantiles = [("p50", "0.5"), ("p90", "0.9"), ("p99", "0.99"), ("p99.9", "0.999"), ("p99.99", "0.9999")];

    internal static string Of(JsonObject status)
    {
        SortedDictionary<string, (string Type, StringBuilder Samples)> families = new(StringComparer.Ordinal);
        string labels = Label("daemon", Text(status["daemon"])) + "," + Label("agent", Text(status["name"]));
        Add(families, "pcieoe_up", "gauge", labels, "", 1);
        Walk(families, "pcieoe", labels, status);
        StringBuilder text = new();
        foreach ((string name, (string type, StringBuilder samples)) in families)
        {
            text.Append("# TYPE ").Append(name).Append(' ').Append(type).Append('\n').Append(samples);
        }

        return text.ToString();
    }

    private static void Walk(SortedDictionary<string, (string Type, StringBuilder Samples)> families, string prefix, string labels, JsonObject members)
    {
        if (members.ContainsKey("p50"))
        {
            AddSummary(families, prefix, labels, members);
            return;
        }

        foreach ((string key, JsonNode? value) in members)
        {
            string name = $"{prefix}_{NameOf(key)}";
            switch (value)
            {
                case JsonObject inner:
                    Walk(families, name, labels, inner);
                    break;
                case JsonArray list:
                    AddList(families, name, key, labels, list);
                    break;
                case JsonValue leaf when leaf.GetValueKind() == JsonValueKind.Number && !Identities.Contains(key) && key != "pid":
                    AddNumber(families, name, key, labels, Number(leaf));
                    break;
                case JsonValue leaf when leaf.GetValueKind() is JsonValueKind.True or JsonValueKind.False && key != "ok" && !Identities.Contains(key):
                    Add(families, name, "gauge", labels, "", leaf.GetValue<bool>() ? 1 : 0);
                    break;
                case JsonValue leaf when key is "state" or "session":
                    Add(families, name, "gauge", $"{labels},{Label("is", Text(leaf))}", "", 1);
                    break;
            }
        }
    }

    private static void AddList(SortedDictionary<string, (string Type, StringBuilder Samples)> families, string name, string key, string labels, JsonArray list)
    {
        string kind = NameOf(key.EndsWith("sses", StringComparison.Ordinal) ? key[..^2] : key.EndsWith('s') ? key[..^1] : key);
        for (int index = 0; index < list.Count; index++)
        {
            if (list[index] is not JsonObject entry)
            {
                continue;
            }

            StringBuilder own = new(labels);
            bool isIdentified = false;
            foreach (string identity in Identities)
            {
                if (entry[identity] is JsonValue value)
                {
                    own.Append(',').Append(Label(identity == "name" ? kind : $"{kind}_{identity}", value.ToString()));
                    isIdentified = true;
                }
            }

            if (!isIdentified)
            {
                own.Append(',').Append(Label(kind, index.ToString(CultureInfo.InvariantCulture)));
            }

            Walk(families, name, own.ToString(), entry);
        }
    }

    private static void AddNumber(SortedDictionary<string, (string Type, StringBuilder Samples)> families, string name, string key, string labels, double value)
    {
        foreach ((string suffix, string unit, double divisor) in Units)
        {
            if (name.EndsWith(suffix, StringComparison.Ordinal))
            {
                name = name[..^suffix.Length] + unit;
                value /= divisor;
                break;
            }
        }

        bool isGauge = Gauges.Contains(key) || Array.Exists(GaugeSuffixes, suffix => key.EndsWith(suffix, StringComparison.Ordinal));
        Add(families, isGauge ? name : name + "_total", isGauge ? "gauge" : "counter", labels, "", value);
    }

    /// <summary>A latency object, microseconds.</summary>
    private static void AddSummary(SortedDictionary<string, (string Type, StringBuilder Samples)> families, string prefix, string labels, JsonObject latency)
    {
        string name = (prefix.EndsWith("_us", StringComparison.Ordinal) ? prefix[..^3] : prefix) + "_seconds";
        if (latency["buckets"] is JsonArray buckets)
        {
            AddHistogram(families, name, labels, latency, buckets);
            return;
        }

        foreach ((string key, string quantile) in Quantiles.Where(entry => latency.ContainsKey(entry.Key)))
        {
            Add(families, name, "summary", $"{labels},{Label("quantile", quantile)}", "", Number(latency[key]) / 1e6);
        }

        Add(families, name, "summary", labels, "_sum", Number(latency["mean"]) * Number(latency["count"]) / 1e6);
        Add(families, name, "summary", labels, "_count", Number(latency["count"]));
    }

    /// <summary>A latency object that says how many values lie within each of <see cref="HopBuckets"/>' bounds.</summary>
    private static void AddHistogram(SortedDictionary<string, (string Type, StringBuilder Samples)> families, string name, string labels, JsonObject latency, JsonArray buckets)
    {
        double count = Number(latency["count"]);
        for (int i = 0; i < buckets.Count && i < HopBuckets.BoundsNanoseconds.Count; i++)
        {
            string bound = (HopBuckets.BoundsNanoseconds[i] / 1e9).ToString("R", CultureInfo.InvariantCulture);
            Add(families, name, "histogram", $"{labels},{Label("le", bound)}", "_bucket", Number(buckets[i]));
        }

        Add(families, name, "histogram", $"{labels},{Label("le", "+Inf")}", "_bucket", count);
        Add(families, name, "histogram", labels, "_sum", Number(latency["mean"]) * count / 1e6);
        Add(families, name, "histogram", labels, "_count", count);
    }

    private static void Add(SortedDictionary<string, (string Type, StringBuilder Samples)> families, string name, string type, string labels, string suffix, double value)
    {
        if (!families.TryGetValue(name, out (string Type, StringBuilder Samples) family))
        {
            families[name] = family = (type, new StringBuilder());
        }

        family.Samples.Append(name).Append(suffix).Append('{').Append(labels).Append("} ").Append(value.ToString("R", CultureInfo.InvariantCulture)).Append('\n');
    }

    private static string Label(string name, string value) =>
        $"{name}=\"{value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal)}\"";

    // A value knows only the type it was made of: its text is what all have in common.
    private static double Number(JsonNode? node) => node?.GetValueKind() == JsonValueKind.Number ? double.Parse(node.ToJsonString(), CultureInfo.InvariantCulture) : 0;

    private static string Text(JsonNode? node) => node?.ToString() ?? "";

    /// <summary>Letters, digits and underscores.</summary>
    private static string NameOf(string key) => string.Concat(key.Select(letter => char.IsAsciiLetterOrDigit(letter) ? char.ToLowerInvariant(letter) : '_'));
}
