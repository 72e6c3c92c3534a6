using System.Text.Json.Nodes;
using PcieOe.Daemon.Configuration;

namespace PcieOe.Cli.Lab.Daemons;

/// <summary>Writes the configurations of a lab's daemons, with keys made for the occasion.</summary>
internal static class LabConfiguration
{
    internal const string TargetName = "lab-target";

    /// <summary>One command in so many is timed where many are under way; where few are, the host asks for more.</summary>
    internal const int SampleEveryWhenDeep = 64;

    internal static string HostName(int index) => $"lab-host{index}";

    internal static string FunctionName(int index) => $"flash{index}";

    internal static JsonObject Target(PathOptions path, string interfaceName, string controlSocket, int? processor, IReadOnlyList<string> keys, string polling) => With(path.TargetSections, new JsonObject
    {
        ["name"] = TargetName,
        ["insecure"] = !path.IsKeyed,
        ["polling"] = polling,
        ["workerProcessor"] = processor,
        ["controlSocket"] = controlSocket,
        ["logLevel"] = "information",
        ["sampleEvery"] = SampleEveryWhenDeep,
        ["port"] = Port(path, interfaceName),
        ["hosts"] = new JsonArray([.. keys.Select((key, index) => (JsonNode)Host(path, index, key))]),
        ["functions"] = new JsonArray([.. keys.Select((_, index) => (JsonNode)Function(path, index))]),
    });

    internal static JsonObject Host(PathOptions path, int index, string interfaceName, string controlSocket, int? processor, string key, string polling)
    {
        JsonObject attachment = new() { ["function"] = FunctionName(index), ["target"] = TargetName };
        if (path.IsKeyed)
        {
            attachment["key"] = key;
        }

        return With(path.HostSections, new JsonObject
        {
            ["name"] = HostName(index),
            ["insecure"] = !path.IsKeyed,
            ["polling"] = polling,
            ["workerProcessor"] = processor,
            ["controlSocket"] = controlSocket,
            ["sharedClock"] = true,
            ["port"] = Port(path, interfaceName),
            ["attachments"] = new JsonArray(attachment),
        });
    }

    internal static string NewKey() => KeySettings.Create();

    private static JsonObject With(JsonObject sections, JsonObject configuration)
    {
        foreach ((string name, JsonNode? section) in sections)
        {
            configuration[name] = section?.DeepClone();
        }

        return configuration;
    }

    private static JsonObject Host(PathOptions path, int index, string key)
    {
        JsonObject host = new() { ["name"] = HostName(index) };
        if (path.IsKeyed)
        {
            host["key"] = key;
        }

        return host;
    }

    private static JsonObject Function(PathOptions path, int index)
    {
        JsonObject function = new()
        {
            ["name"] = FunctionName(index),
            ["hosts"] = new JsonArray(HostName(index)),
            ["media"] = Media(path),
        };
        if (path.Timing is { } profile)
        {
            function["timing"] = new JsonObject { ["profile"] = profile };
        }

        if (path.MemoryBuffer is { } buffer)
        {
            function["memoryBuffer"] = buffer;
        }

        return function;
    }

    private static JsonObject Port(PathOptions path, string interfaceName) => new()
    {
        ["interface"] = interfaceName,
        ["mtu"] = path.MaximumTransmissionUnit,
    };

    private static JsonObject Media(PathOptions path)
    {
        JsonObject media = new() { ["size"] = path.MediumBytes };
        if (path.MediaFile is { } file)
        {
            media["path"] = file;
        }

        return media;
    }
}
