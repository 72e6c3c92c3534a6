using System.Text.Json;
using System.Text.Json.Nodes;

namespace PcieOe.Daemon.Control;

/// <summary>
/// The control socket's protocol: one JSON object a line. A request names its "command"; an answer has "ok", and "error" where that is
/// false. A command that takes long may send lines with "progress" before its answer.
/// </summary>
public static class ControlProtocol
{
    public const int MaximumLineBytes = 1 << 20;

    private static readonly JsonDocumentOptions Strict = new() { MaxDepth = 32 };

    public static JsonObject Error(string message) => new() { ["ok"] = false, ["error"] = message };

    public static JsonObject Success() => new() { ["ok"] = true };

    /// <summary>Null where the line is not a JSON object.</summary>
    public static JsonObject? Parse(ReadOnlySpan<byte> line)
    {
        try
        {
            return JsonNode.Parse(line, documentOptions: Strict) as JsonObject;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>A text member, or null where it is missing or of another kind.</summary>
    public static string? Text(this JsonObject message, string key) =>
        message.TryGetPropertyValue(key, out JsonNode? node) && node is JsonValue value && value.TryGetValue(out string? text) ? text : null;

    /// <summary>A number member, or the default where it is missing or of another kind.</summary>
    public static double Number(this JsonObject message, string key, double otherwise) =>
        message.TryGetPropertyValue(key, out JsonNode? node) && node is JsonValue value && value.GetValueKind() == JsonValueKind.Number
            ? value.GetValue<double>()
            : otherwise;

    /// <summary>A true or false member, or the default where it is missing or of another kind.</summary>
    public static bool Flag(this JsonObject message, string key, bool otherwise) =>
        message.TryGetPropertyValue(key, out JsonNode? node) && node is JsonValue value && value.TryGetValue(out bool flag) ? flag : otherwise;
}
