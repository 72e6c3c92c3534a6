using System.Globalization;
using System.Text.Json.Nodes;
using Spectre.Console;

namespace PcieOe.Cli.Reports.Comparison;

/// <summary>A comparison for a terminal, and as JSON.</summary>
internal static class ComparisonText
{
    internal static void Write(IAnsiConsole console, RunComparison comparison, double thresholdPercent, bool isComplete)
    {
        Figure[] shown = [.. comparison.Figures.Where(figure => isComplete || figure.Verdict != Verdict.Same || figure.Workload.StartsWith('('))];
        Table table = new() { Border = TableBorder.Simple };
        foreach ((int index, string name) in ((string[])["workload", "figure", "before", "after", "change", "noise", "", "most of it in"]).Index())
        {
            TableColumn column = new(name) { NoWrap = true, Padding = new Padding(0, 0, 1, 0) };
            table.AddColumn(index is 0 or 1 or > 5 ? column.LeftAligned() : column.RightAligned());
        }

        foreach (Figure figure in shown)
        {
            (string word, string colour) = figure.Verdict switch
            {
                Verdict.Worse => ("WORSE", "red"),
                Verdict.Better => ("better", "green"),
                Verdict.WithinNoise => ("noise", "grey"),
                _ => ("", "default"),
            };
            string cause = figure is { Cause: var (hop, microseconds), Verdict: not Verdict.Same }
                ? string.Create(CultureInfo.InvariantCulture, $"{hop} {microseconds:+0.0;-0.0} us")
                : "";
            table.AddRow(
                Markup.Escape(figure.Workload), figure.Name, Value(figure, figure.Before), Value(figure, figure.After),
                $"[{colour}]{Percent(figure.ChangePercent)}[/]", figure.NoisePercent > 0 ? string.Create(CultureInfo.InvariantCulture, $"{figure.NoisePercent:F1} %") : "",
                $"[{colour}]{word}[/]", Markup.Escape(cause));
        }

        console.Write(table);
        int worse = comparison.Figures.Count(figure => figure.Verdict == Verdict.Worse);
        int same = comparison.Figures.Count(figure => figure.Verdict == Verdict.Same);
        console.MarkupLineInterpolated(CultureInfo.InvariantCulture,
            $"{comparison.Figures.Count} figures: {worse} worse, {comparison.Figures.Count(figure => figure.Verdict == Verdict.Better)} better, {comparison.Figures.Count(figure => figure.Verdict == Verdict.WithinNoise)} within noise, {same} within {thresholdPercent} %.");
        if (comparison.Unmatched.Count > 0)
        {
            console.MarkupLineInterpolated(CultureInfo.InvariantCulture, $"[yellow]note[/] only one of the runs has {string.Join(", ", comparison.Unmatched)}");
        }
    }

    internal static JsonObject ToJson(RunComparison comparison, double thresholdPercent) => new()
    {
        ["schema"] = "pcieoe-diff/1",
        ["threshold_percent"] = thresholdPercent,
        ["regression"] = comparison.HasRegression,
        ["figures"] = new JsonArray([.. comparison.Figures.Select(figure => (JsonNode)new JsonObject
        {
            ["workload"] = figure.Workload,
            ["figure"] = figure.Name,
            ["before"] = figure.Before,
            ["after"] = figure.After,
            ["change_percent"] = double.IsFinite(figure.ChangePercent) ? Math.Round(figure.ChangePercent, 2) : null,
            ["noise_percent"] = Math.Round(figure.NoisePercent, 2),
            ["verdict"] = figure.Verdict switch { Verdict.Worse => "worse", Verdict.Better => "better", Verdict.WithinNoise => "noise", _ => "same" },
        })]),
        ["unmatched"] = new JsonArray([.. comparison.Unmatched.Select(name => (JsonNode)name)]),
    };

    private static string Value(Figure figure, double value) => figure.Name switch
    {
        "p50_us" or "p99_us" => Figures.Micro(value),
        "gbps" => Figures.Rate(value),
        _ => Figures.Count(value),
    };

    private static string Percent(double change) => double.IsFinite(change) ? change.ToString("+0.0;-0.0;0.0", CultureInfo.InvariantCulture) + " %" : "new";
}
