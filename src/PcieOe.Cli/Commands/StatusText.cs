using System.Text.Json.Nodes;

namespace PcieOe.Cli.Commands;

/// <summary>
/// A status answer for people: its structure as it is, indented, a line for each value. Zero counters are left out, and so is what has
/// nothing else to say.
/// </summary>
internal static class StatusText
{
    internal static void Write(TextWriter writer, JsonObject status)
    {
        foreach (string line in Lines(status, 0))
        {
            writer.WriteLine(line);
        }
    }

    private static List<string> Lines(JsonObject members, int depth)
    {
        List<string> lines = [];
        string indent = new(' ', 2 * depth);
        foreach ((string key, JsonNode? value) in members)
        {
            switch (value)
            {
                case JsonObject latency when latency.ContainsKey("p50"):
                    lines.Add($"{indent}{key}: {Line(latency)}");
                    break;
                case JsonObject inner:
                    AddPart(lines, $"{indent}{key}:", Lines(inner, depth + 1), leastLines: 1);
                    break;
                case JsonArray list when list.All(entry => entry is JsonObject):
                    foreach (JsonObject entry in list.OfType<JsonObject>())
                    {
                        if (entry.ContainsKey("p50"))
                        {
                            lines.Add($"{indent}{key}: {Line(entry)}");
                            continue;
                        }

                        // Deeper down, a name alone says nothing: such as a hop that no command has been timed at.
                        AddPart(lines, $"{indent}{key}:", Lines(entry, depth + 1), leastLines: depth > 1 ? 2 : 1);
                    }

                    break;
                case JsonArray list:
                    lines.Add($"{indent}{key}: {string.Join(", ", list.Select(entry => entry?.ToString()))}");
                    break;
                case null when depth > 0:
                    break;
                default:
                    if (key != "ok" && !(depth > 1 && value?.ToString() == "0"))
                    {
                        lines.Add($"{indent}{key}: {value}");
                    }

                    break;
            }
        }

        return lines;
    }

    private static void AddPart(List<string> lines, string title, List<string> part, int leastLines)
    {
        if (part.Count >= leastLines)
        {
            lines.Add(title);
            lines.AddRange(part);
        }
    }

    /// <summary>A latency object on one line; what metrics need of it besides is left out.</summary>
    private static string Line(JsonObject latency) =>
        string.Join("  ", latency.Where(member => member.Value is JsonValue).Select(member => member.Key == "name" ? $"{member.Value,-14}" : $"{member.Key} {member.Value}"));
}
