using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace PcieOe.Cli.Commands.Watching;

/// <summary>One line of <c>status --watch</c>: a daemon's port, or one of its attachments or sessions, with rates since the last answer.</summary>
internal sealed record WatchRow
{
    public required string Name { get; init; }

    public string State { get; init; } = string.Empty;

    public double? RoundTripMicroseconds { get; init; }

    public double ReceivedGigabitsPerSecond { get; init; }

    public double SentGigabitsPerSecond { get; init; }

    /// <summary>Both ways.</summary>
    public double FramesPerSecond { get; init; }

    public double? RetransmitsPerSecond { get; init; }

    public double DropsPerSecond { get; init; }

    /// <summary>What two answers of one daemon say. A counter that went back (a restart, a new session) has no rate.</summary>
    internal static IEnumerable<WatchRow> Of(JsonObject before, JsonObject now, double seconds)
    {
        double cpu = Rate(before, now, seconds, "process", "cpu_s"), rounds = Rate(before, now, seconds, "worker", "rounds");
        double busy = rounds > 0 ? Rate(before, now, seconds, "worker", "busy_rounds") / rounds : 0;
        yield return new WatchRow
        {
            Name = $"{Text(now, "daemon")} {Text(now, "name")}",
            State = FormattableString.Invariant($"{Text(now, "port", "state")}, {cpu:P0} cpu, {busy:P0} busy"),
            ReceivedGigabitsPerSecond = Gigabits(before, now, seconds, "port", "bytes_received"),
            SentGigabitsPerSecond = Gigabits(before, now, seconds, "port", "bytes_sent"),
            FramesPerSecond = Rate(before, now, seconds, "port", "frames_received") + Rate(before, now, seconds, "port", "frames_sent"),
            DropsPerSecond = Rate(before, now, seconds, "port", "receive_drops") + Rate(before, now, seconds, "port", "send_drops"),
        };
        foreach (string list in (string[])["attachments", "sessions"])
        {
            foreach (JsonObject member in (now[list] as JsonArray ?? []).OfType<JsonObject>())
            {
                string name = NameOf(member);
                JsonObject? earlier = (before[list] as JsonArray ?? []).OfType<JsonObject>().FirstOrDefault(entry => NameOf(entry) == name);
                yield return OfLink($"  {name}", earlier ?? member, member, seconds);
            }
        }
    }

    private static WatchRow OfLink(string name, JsonObject before, JsonObject now, double seconds) => new()
    {
        Name = name,
        State = now["outage"]?.GetValue<bool>() == true ? "outage" : now["state"]?.ToString() ?? "up",
        RoundTripMicroseconds = Number(now, "link", "rtt_us"),
        ReceivedGigabitsPerSecond = Gigabits(before, now, seconds, "link", "bytes_received"),
        SentGigabitsPerSecond = Gigabits(before, now, seconds, "link", "bytes_sent"),
        FramesPerSecond = Rate(before, now, seconds, "link", "frames_received") + Rate(before, now, seconds, "link", "frames_sent"),
        RetransmitsPerSecond = Rate(before, now, seconds, "link", "retransmits"),
        DropsPerSecond = (now["link"]?["drops"] as JsonObject)?.Sum(cause => Rate(before, now, seconds, "link", "drops", cause.Key)) ?? 0,
    };

    private static string NameOf(JsonObject member) => member["host"] is { } host ? $"{host} on {member["function"]}" : Text(member, "name");

    private static double Gigabits(JsonObject before, JsonObject now, double seconds, params string[] way) => Rate(before, now, seconds, way) * 8 / 1e9;

    private static double Rate(JsonObject before, JsonObject now, double seconds, params string[] way) => Math.Max(0, Number(now, way) - Number(before, way)) / seconds;

    private static double Number(JsonObject status, params string[] way) =>
        At(status, way) is JsonValue value && value.GetValueKind() == JsonValueKind.Number ? double.Parse(value.ToJsonString(), CultureInfo.InvariantCulture) : 0;

    private static string Text(JsonObject status, params string[] way) => At(status, way)?.ToString() ?? string.Empty;

    private static JsonNode? At(JsonObject status, string[] way) => way.Aggregate((JsonNode?)status, (node, key) => (node as JsonObject)?[key]);
}
