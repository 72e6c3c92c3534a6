using System.Globalization;
using PcieOe.Cli.Reports;
using PcieOe.Cli.Reports.Html;
using PcieOe.Cli.Reports.Html.Plots;

namespace PcieOe.Cli.CapacityPlans;

/// <summary>A capacity plan as one SVG file: a curve for each response time, and the nested classes' capacity as a line across.</summary>
internal static class CapacityPlanSvg
{
    /// <summary>Between the lines of two labels.</summary>
    private const double LabelSpacing = 13;

    private static readonly string[] Colours = ["#2463b5", "#c8561b", "#1f8a5b", "#8b46a8", "#b08a00", "#0f8fa3", "#c13a74", "#6b7580"];

    private static readonly string Style = $$"""
        <style>
        svg { background: #fcfcfb; } text { font: 12px system-ui, "DejaVu Sans", sans-serif; fill: #5b6570; } text.label { fill: #1d2329; }
        text.curve, text.nested { paint-order: stroke; stroke: #fcfcfb; stroke-width: 3px; }
        .grid { stroke: #e9ecee; } .axis { fill: none; stroke: #5b6570; } .line { fill: none; stroke-width: 2; stroke-linejoin: round; } path.nested { stroke: #1d2329; stroke-dasharray: 6 4; }
        {{string.Join(' ', Colours.Select((colour, i) => $"path.s{i} {{ stroke: {colour}; }} text.s{i} {{ fill: {colour}; }}"))}}
        </style>
        """;

    internal static string Render(CapacityPlan plan)
    {
        HtmlWriter svg = new();
        Axis horizontal = Axis.TailToAll("percent of the commands within the response time");
        Axis vertical = Axis.Linear("capacity, units of 4 KiB a second", plan.Curves.SelectMany(curve => curve.Points).Select(point => point.UnitsPerSecond).Append(plan.NestedUnitsPerSecond));
        PlotFrame frame = new(svg, horizontal, vertical);
        frame.Begin("Capacity over the part of the commands that get a response time");
        for (int i = 0; i < plan.Curves.Count; i++)
        {
            string corners = string.Join('L', plan.Curves[i].Points.Select(point => FormattableString.Invariant($"{frame.X(100 * point.Fraction):0.#} {frame.Y(point.UnitsPerSecond):0.#}")));
            svg.Add($"<path class=\"line s{i % Colours.Length}\" d=\"M{corners}\"/>");
        }

        double y = frame.Y(plan.NestedUnitsPerSecond);
        svg.Add($"<path class=\"line nested\" d=\"M{frame.X(0)} {y}H{frame.X(100)}\"/>");
        AddLabels(svg, frame, plan.Curves);
        svg.Add($"<text class=\"label nested\" x=\"{frame.X(0) + 4}\" y=\"{y - 5}\">nested: {Figures.Count(plan.NestedUnitsPerSecond)}</text>");
        frame.End();
        string picture = svg.ToString();
        int end = picture.IndexOf('>', StringComparison.Ordinal) + 1;
        return picture[..end].Replace("<svg ", "<svg xmlns=\"http://www.w3.org/2000/svg\" ", StringComparison.Ordinal) + "\n" + Style + picture[end..];
    }

    /// <summary>Each above the end of its curve, where curves lie furthest apart; from the lowest up, so that none covers another.</summary>
    private static void AddLabels(HtmlWriter svg, PlotFrame frame, IReadOnlyList<CapacityCurve> curves)
    {
        double above = double.PositiveInfinity;
        foreach ((int index, CapacityCurve curve) in curves.Index().OrderByDescending(curve => frame.Y(curve.Item.Points[^1].UnitsPerSecond)))
        {
            above = Math.Min(above - LabelSpacing, frame.Y(curve.Points[^1].UnitsPerSecond) - 5);
            string name = string.Create(CultureInfo.InvariantCulture, $"{curve.ResponseMilliseconds:G6} ms");
            svg.Add($"<text class=\"curve s{index % Colours.Length}\" x=\"{frame.X(100) - 2}\" y=\"{above}\" text-anchor=\"end\">{name}</text>");
        }
    }
}
