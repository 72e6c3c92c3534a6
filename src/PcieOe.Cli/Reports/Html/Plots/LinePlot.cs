namespace PcieOe.Cli.Reports.Html.Plots;

/// <summary>A point of a series.</summary>
/// <param name="IsThin">Too few samples to rely on: drawn dashed.</param>
/// <param name="Note">Said when a pointer rests on it; null for a point without a mark.</param>
internal readonly record struct PlotPoint(double X, double Y, bool IsThin = false, string? Note = null);

/// <summary>A line in a plot.</summary>
/// <param name="Colour">Which of the eight colours of series.</param>
internal sealed record PlotSeries(string Name, IReadOnlyList<PlotPoint> Points, int Colour)
{
    /// <summary>Dotted, and not in the legend: a second figure of what another series shows. The plot's title says which.</summary>
    internal bool IsSecondary { get; init; }
}

/// <summary>Lines over two axes, with a legend and the values in a table behind.</summary>
internal static class LinePlot
{
    internal const int Colours = 8;

    /// <param name="horizontalName">How the table writes a place on the horizontal axis.</param>
    /// <param name="verticalName">How the table writes a value.</param>
    internal static void Write(
        HtmlWriter html, string title, Axis horizontal, Axis vertical, IReadOnlyList<PlotSeries> series, Func<double, string> horizontalName, Func<double, string> verticalName)
    {
        html.Add($"<figure class=\"plot\"><figcaption>{title}</figcaption>");
        PlotFrame frame = new(html, horizontal, vertical);
        frame.Begin($"{title}: {vertical.Label} over {horizontal.Label}");
        foreach (PlotSeries line in series)
        {
            WriteLine(html, frame, line);
        }

        frame.End();
        html.Markup("<ul class=\"legend\">");
        foreach (PlotSeries line in series.Where(line => !line.IsSecondary))
        {
            html.Add($"<li><svg viewBox=\"0 0 26 8\" aria-hidden=\"true\"><path class=\"line s{line.Colour % Colours}\" d=\"M1 4H25\"/></svg>{line.Name}</li>");
        }

        html.Markup("</ul>");
        WriteTable(html, horizontal, series, horizontalName, verticalName);
        html.Markup("</figure>");
    }

    private static void WriteLine(HtmlWriter html, PlotFrame frame, PlotSeries line)
    {
        string kind = line.IsSecondary ? " second" : "";
        int solid = line.Points.TakeWhile(point => !point.IsThin).Count();
        WritePath(html, frame, line.Points.Take(solid), $"line s{line.Colour % Colours}{kind}");
        WritePath(html, frame, line.Points.Skip(Math.Max(0, solid - 1)), $"line s{line.Colour % Colours} thin");
        foreach (PlotPoint point in line.Points.Where(point => point.Note is not null))
        {
            html.Add($"<circle class=\"dot s{line.Colour % Colours}{(point.IsThin ? " hollow" : "")}\" cx=\"{frame.X(point.X)}\" cy=\"{frame.Y(point.Y)}\" r=\"{(line.IsSecondary ? 2.2 : 3.2)}\"><title>{line.Name}: {point.Note}</title></circle>");
        }
    }

    private static void WritePath(HtmlWriter html, PlotFrame frame, IEnumerable<PlotPoint> points, string kind)
    {
        PlotPoint[] all = [.. points];
        if (all.Length > 1)
        {
            string corners = string.Join('L', all.Select(point => FormattableString.Invariant($"{frame.X(point.X):0.#} {frame.Y(point.Y):0.#}")));
            html.Add($"<path class=\"{kind}\" d=\"M{corners}\"/>");
        }
    }

    private static void WriteTable(HtmlWriter html, Axis horizontal, IReadOnlyList<PlotSeries> series, Func<double, string> horizontalName, Func<double, string> verticalName)
    {
        html.Add($"<details><summary>Values</summary><div class=\"scroll\"><table><thead><tr><th>{horizontal.Label}</th>");
        foreach (PlotSeries line in series)
        {
            html.Add($"<th>{line.Name}</th>");
        }

        html.Markup("</tr></thead><tbody>");
        foreach (double place in series.SelectMany(line => line.Points).Select(point => point.X).Distinct().Order())
        {
            html.Add($"<tr><th>{horizontalName(place)}</th>");
            foreach (PlotSeries line in series)
            {
                int index = line.Points.Index().FirstOrDefault(entry => entry.Item.X == place, (-1, default)).Index;
                string text = index < 0 ? "" : (line.Points[index].IsThin ? "~" : "") + verticalName(line.Points[index].Y);
                html.Add($"<td>{text}</td>");
            }

            html.Markup("</tr>");
        }

        html.Markup("</tbody></table></div></details>");
    }
}
