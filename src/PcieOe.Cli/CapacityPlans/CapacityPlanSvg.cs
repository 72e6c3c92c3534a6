using System.Globalization;
using PcieOe.Cli.Reports;
using PcieOe.Cli.Reports.Html;
using PcieOe.Cli.Reports.Html.Plots;

namespace PcieOe.Cli.CapacityPlans;

/// <summary>A capacity plan as one SVG file: a curve for each response time, and the nested classes' capacity as a line across.</summary>
internal static class CapacityPlanSvg
{
    private const string Style = """
        <style>
        svg { background: #fcfcfb; } text { font: 12px system-ui, "DejaVu Sans", sans-serif; fill: #5b6570; } text.label { fill: #1d2329; }
        .grid { stroke: #e9ecee; } .axis { fill: none; stroke: #5b6570; } .line { fill: none; stroke-width: 2; stroke-linejoin: round; } .nested { stroke: #1d2329; stroke-dasharray: 6 4; }
        .s0 { stroke: #2463b5; } .s1 { stroke: #c8561b; } .s2 { stroke: #1f8a5b; } .s3 { stroke: #8b46a8; } .s4 { stroke: #b08a00; } .s5 { stroke: #0f8fa3; } .s6 { stroke: #c13a74; } .s7 { stroke: #6b7580; }
        </style>
        """;

    internal static string Render(CapacityPlan plan)
    {
        HtmlWriter svg = new();
        Axis horizontal = Axis.Tail("percent of the commands within the response time", 99.99);
        Axis vertical = Axis.Linear("capacity, units of 4 KiB a second", plan.Curves.SelectMany(curve => curve.Points).Select(point => point.UnitsPerSecond).Append(plan.NestedUnitsPerSecond));
        PlotFrame frame = new(svg, horizontal, vertical);
        frame.Begin("Capacity over the part of the commands that get a response time");
        for (int i = 0; i < plan.Curves.Count; i++)
        {
            // All of them lies infinitely far out on this axis: it is drawn at its end.
            (double X, double Y)[] points = [.. plan.Curves[i].Points.Select(point => (frame.X(100 * point.Fraction), frame.Y(point.UnitsPerSecond)))];
            string corners = string.Join('L', points.Select(point => FormattableString.Invariant($"{point.X:0.#} {point.Y:0.#}")));
            svg.Add($"<path class=\"line s{i % LinePlot.Colours}\" d=\"M{corners}\"/>");
            string name = string.Create(CultureInfo.InvariantCulture, $"{plan.Curves[i].ResponseMilliseconds:G6} ms");
            svg.Add($"<text x=\"{points[0].X + 4}\" y=\"{points[0].Y - 5}\">{name}</text>");
        }

        double y = frame.Y(plan.NestedUnitsPerSecond);
        svg.Add($"<path class=\"line nested\" d=\"M{frame.X(0)} {y}H{frame.X(100)}\"/><text class=\"label\" x=\"{frame.X(0) + 4}\" y=\"{y - 5}\">nested: {Figures.Count(plan.NestedUnitsPerSecond)}</text>");
        frame.End();
        string picture = svg.ToString();
        int end = picture.IndexOf('>', StringComparison.Ordinal) + 1;
        return picture[..end].Replace("<svg ", "<svg xmlns=\"http://www.w3.org/2000/svg\" ", StringComparison.Ordinal) + "\n" + Style + picture[end..];
    }
}
