namespace PcieOe.Cli.Reports.Html.Plots;

/// <summary>
/// The frame of a plot: axes, grid, labels, in an SVG that is as wide as its place. Its own unit is chosen so that the letters can be read
/// on a telephone.
/// </summary>
internal sealed class PlotFrame(HtmlWriter html, Axis horizontal, Axis vertical)
{
    private const double Width = 460;
    private const double Height = 290;
    private const double Left = 56;
    private const double Right = 452;
    private const double Top = 24;
    private const double Bottom = 244;

    internal double X(double value) => Left + horizontal.Place(value) * (Right - Left);

    internal double Y(double value) => Bottom - vertical.Place(value) * (Bottom - Top);

    /// <param name="name">What a screen reader says of it.</param>
    internal void Begin(string name)
    {
        html.Add($"<svg viewBox=\"0 0 {Width} {Height}\" role=\"img\" aria-label=\"{name}\">");
        foreach (Tick tick in vertical.Ticks)
        {
            html.Add($"<line class=\"grid\" x1=\"{Left}\" x2=\"{Right}\" y1=\"{Y(tick.Value)}\" y2=\"{Y(tick.Value)}\"/><text x=\"{Left - 6}\" y=\"{Y(tick.Value) + 4}\" text-anchor=\"end\">{tick.Label}</text>");
        }

        foreach (Tick tick in horizontal.Ticks)
        {
            string anchor = X(tick.Value) > Right - 20 ? "end" : "middle";
            html.Add($"<line class=\"grid\" x1=\"{X(tick.Value)}\" x2=\"{X(tick.Value)}\" y1=\"{Top}\" y2=\"{Bottom}\"/><text x=\"{X(tick.Value)}\" y=\"{Bottom + 16}\" text-anchor=\"{anchor}\">{tick.Label}</text>");
        }

        html.Add($"<path class=\"axis\" d=\"M{Left} {Top}V{Bottom}H{Right}\"/>");
        html.Add($"<text class=\"label\" x=\"{(Left + Right) / 2}\" y=\"{Height - 8}\" text-anchor=\"middle\">{horizontal.Label}</text>");
        html.Add($"<text class=\"label\" x=\"4\" y=\"12\">{vertical.Label}</text>");
    }

    internal void End() => html.Markup("</svg>");
}
