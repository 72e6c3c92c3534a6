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
                case JsonObject inner:
                    writer.WriteLine($"{indent}{key}:");
                    WriteObject(writer, inner, depth + 1);
                    break;
                case JsonArray list when list.All(entry => entry is JsonObject):
                    foreach (JsonNode? entry in list)
                    {
                        writer.WriteLine($"{indent}{key}:");
                        WriteObject(writer, entry!.AsObject(), depth + 1);
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
}
