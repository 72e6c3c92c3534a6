using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using PcieOe.Cli.Reports;
using PcieOe.Transport.Ports.Impairment;
using Spectre.Console;

namespace PcieOe.Cli.Impair;

/// <summary>What a relay did to the frames of each direction.</summary>
internal sealed record ImpairmentReport
{
    [JsonPropertyName("seed")]
    public ulong Seed { get; init; }

    [JsonPropertyName("directions")]
    public required IReadOnlyList<DirectionReport> Directions { get; init; }

    internal void Save(string path) => File.WriteAllText(path, JsonSerializer.Serialize(this, ImpairmentJson.Default.ImpairmentReport) + "\n");

    internal void Print()
    {
        Table table = new();
        table.AddColumns((string[])["frames", .. Directions.Select(direction => $"{direction.From} to {direction.To}")]);
        Add("came", direction => direction.Offered);
        Add("went on", direction => direction.Delivered);
        Add("lost", direction => direction.Lost);
        Add("lost while cut", direction => direction.Cut);
        Add("lost to a full line", direction => direction.Overflowed);
        Add("not taken by the interface", direction => direction.Refused);
        Add("duplicated", direction => direction.Duplicated);
        Add("reordered", direction => direction.Reordered);
        Add("damaged", direction => direction.Corrupted);
        ReportConsole.Create().Write(table);

        void Add(string name, Func<DirectionReport, long> select) =>
            table.AddRow([name, .. Directions.Select(direction => select(direction).ToString("N0", CultureInfo.InvariantCulture))]);
    }
}

/// <summary>One direction of a relay.</summary>
internal sealed record DirectionReport(
    [property: JsonPropertyName("from")] string From,
    [property: JsonPropertyName("to")] string To,
    [property: JsonPropertyName("offered")] long Offered,
    [property: JsonPropertyName("delivered")] long Delivered,
    [property: JsonPropertyName("lost")] long Lost,
    [property: JsonPropertyName("cut")] long Cut,
    [property: JsonPropertyName("overflowed")] long Overflowed,
    [property: JsonPropertyName("refused")] long Refused,
    [property: JsonPropertyName("duplicated")] long Duplicated,
    [property: JsonPropertyName("reordered")] long Reordered,
    [property: JsonPropertyName("corrupted")] long Corrupted)
{
    internal static DirectionReport Of(string from, string to, in ImpairmentCounters counters, long refused) => new(
        from, to, counters.Offered, counters.Delivered, counters.Lost, counters.Cut, counters.Overflowed, refused, counters.Duplicated,
        counters.Reordered, counters.Corrupted);
}

[JsonSourceGenerationOptions(WriteIndented = true)]
[JsonSerializable(typeof(ImpairmentReport))]
internal sealed partial class ImpairmentJson : JsonSerializerContext;
