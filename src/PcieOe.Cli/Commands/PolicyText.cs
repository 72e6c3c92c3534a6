using System.Globalization;
using System.Text.Json.Nodes;
using Spectre.Console;

namespace PcieOe.Cli.Commands;

/// <summary>A daemon's policies, from its status, as tables: what is configured beside what is achieved.</summary>
internal static class PolicyText
{
    /// <param name="policies">"gatekeeper", "nested_qos", or both.</param>
    internal static void Write(IAnsiConsole console, JsonObject policies)
    {
        if (policies["gatekeeper"] is JsonObject gatekeeper)
        {
            WriteGatekeeper(console, gatekeeper);
        }

        if (policies["nested_qos"] is JsonObject nestedQos)
        {
            WriteNestedQos(console, nestedQos);
        }
    }

    private static void WriteNestedQos(IAnsiConsole console, JsonObject nestedQos)
    {
        string capacity = nestedQos["capacity_iops"] is { } iops ? $"{Figure(iops)}{(nestedQos["capacity_is_learned"]!.GetValue<bool>() ? " (learned)" : "")}" : "not known yet";
        Table table = new Table { Border = TableBorder.Simple, Title = new TableTitle($"Classes: units/s of 4 KiB; capacity {capacity}, needed {Figure(nestedQos["needed_iops"])}") }
            .AddColumns("tenant", "class", "burst", "rate", "deadline ms", "arrivals", "share %", "met", "missed", "p99 ms");
        foreach (JsonNode? tenant in nestedQos["tenants"]!.AsArray())
        {
            string name = tenant!["name"]!.ToString();
            foreach (JsonNode? member in tenant["classes"]!.AsArray())
            {
                table.AddRow(
                    Markup.Escape(name),
                    Markup.Escape(member!["name"]!.ToString()),
                    Figure(member["burst"]),
                    Figure(member["rate"]),
                    Figure(member["deadline_ms"]),
                    member["arrivals"]!.ToString(),
                    (100 * member["share"]!.GetValue<double>()).ToString("0.##", CultureInfo.InvariantCulture),
                    member["met"]!.ToString(),
                    member["missed"]!.ToString(),
                    member["response_us"]?["p99"] is { } late ? (late.GetValue<double>() / 1000).ToString("0.###", CultureInfo.InvariantCulture) : "");
                name = "";
            }
        }

        console.Write(table);
    }

    private static void WriteGatekeeper(IAnsiConsole console, JsonObject gatekeeper)
    {
        string link = gatekeeper["link_mbps"] is { } rate ? $"a link of {Figure(rate)} Mb/s" : "a link of unknown rate";
        Table table = new Table { Border = TableBorder.Simple, Title = new TableTitle($"Tenants on {link} (Mb/s)") }
            .AddColumns("tenant", "sessions", "direction", "min", "max", "achieved", "held to", "feedback");
        foreach (JsonNode? tenant in gatekeeper["tenants"]!.AsArray())
        {
            foreach (string direction in (string[])["egress", "ingress"])
            {
                JsonNode limits = tenant![direction]!;
                bool isEgress = direction == "egress";
                table.AddRow(
                    isEgress ? Markup.Escape(tenant["name"]!.ToString()) : "",
                    isEgress ? tenant["sessions"]!.ToString() : "",
                    direction,
                    Figure(limits["min_mbps"]),
                    Figure(limits["max_mbps"]),
                    Figure(limits["achieved_mbps"]),
                    Figure(limits["held_to_mbps"]),
                    isEgress ? $"{tenant["feedback_received"]} heard" : $"{tenant["feedback_sent"]} sent");
            }
        }

        console.Write(table);
    }

    private static string Figure(JsonNode? value) => value is null ? "" : value.GetValue<double>().ToString("0.#", CultureInfo.InvariantCulture);
}
