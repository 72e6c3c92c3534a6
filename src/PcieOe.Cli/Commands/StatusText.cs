using System.Text.Json.Nodes;

namespace PcieOe.Cli.Commands;

/// <summary>A status answer for people: its structure as it is, indented, a line for each value; runs of zero counters are left out.</summary>
internal static class StatusText
{
    internal static void Write(TextWriter writer, JsonObject status) => WriteObject(writer, status, 0);

    private static void WriteObject(TextWriter writer, JsonObject members, int depth)
    {
        string indent = new(' ', 2 * depth);
        foreach ((string key, JsonNode? value) in members)
        {
            switch (value)
            {
                case JsonObject latency when latency.ContainsKey("p50"):
                    writer.WriteLine($"{indent}{key}: {Line(latency)}");
                    break;
                case JsonObject inner:
                    writer.WriteLine($"{indent}{key}:");
                    WriteObject(writer, inner, depth + 1);
                    break;
                case JsonArray list when list.All(entry => entry is JsonObject):
                    foreach (JsonObject entry in list.OfType<JsonObject>())
                    {
                        if (entry.ContainsKey("p50"))
                        {
                            writer.WriteLine($"{indent}{key}: {Line(entry)}");
                            continue;
                        }

                        writer.WriteLine($"{indent}{key}:");
                        WriteObject(writer, entry, depth + 1);
                    }

                    break;
                case JsonArray list:
                    writer.WriteLine($"{indent}{key}: {string.Join(", ", list.Select(entry => entry?.ToString()))}");
                    break;
                case null when depth > 0:
                    break;
                default:
                    if (key != "ok" && !(depth > 1 && value?.ToString() == "0"))
                    {
                        writer.WriteLine($"{indent}{key}: {value}");
                    }

                    break;
            }
        }
    }

    /// <summary>A latency object on one line; what metrics need of it besides is left out.</summary>
    private static string Line(JsonObject latency) =>
        string.Join("  ", latency.Where(member => member.Value is JsonValue).Select(member => member.Key == "name" ? $"{member.Value,-14}" : $"{member.Key} {member.Value}"));
}
