using PcieOe.Transport.Histograms;

namespace PcieOe.Cli.Reports.Html.Plots;

/// <summary>Latency over time: a column for each interval, a row for each tenth of a decade, darker where more commands fell.</summary>
internal static class HeatMap
{
    private const int RowsPerDecade = 10;

    internal static void Write(HtmlWriter html, string title, double intervalSeconds, IReadOnlyList<LatencyHistogram> intervals)
    {
        long[][] columns = [.. intervals.Select(Rows)];
        int lowest = columns.Min(column => Array.FindIndex(column, count => count > 0) is >= 0 and int index ? index : int.MaxValue);
        int highest = columns.Max(column => Array.FindLastIndex(column, count => count > 0));
        if (highest < 0)
        {
            return;
        }

        double most = Math.Log(1 + columns.Max(column => column.Max()));
        Axis horizontal = Axis.Linear("time, s", [intervalSeconds * intervals.Count]);
        Axis vertical = Axis.Logarithmic("latency, us", [Lower(lowest), Lower(highest + 1)]);
        html.Add($"<figure class=\"plot\"><figcaption>{title}</figcaption>");
        PlotFrame frame = new(html, horizontal, vertical);
        frame.Begin($"{title}: latency over time");
        for (int column = 0; column < columns.Length; column++)
        {
            double left = frame.X(column * intervalSeconds), width = frame.X((column + 1) * intervalSeconds) - left;
            for (int row = lowest; row <= highest; row++)
            {
                long count = columns[column][row];
                if (count > 0)
                {
                    double top = frame.Y(Lower(row + 1));
                    html.Add($"<rect class=\"heat\" x=\"{left}\" y=\"{top}\" width=\"{width}\" height=\"{frame.Y(Lower(row)) - top}\" fill-opacity=\"{0.12 + 0.88 * Math.Log(1 + count) / most}\"><title>{column * intervalSeconds} s, {Figures.Short(Lower(row))} to {Figures.Short(Lower(row + 1))} us: {count}</title></rect>");
                }
            }
        }

        frame.End();
        WriteTable(html, intervalSeconds, intervals);
        html.Markup("</figure>");
    }

    /// <summary>Microseconds at which a row begins; the first row holds all below 0.1 us.</summary>
    private static double Lower(int row) => 0.1 * Math.Pow(10, (double)row / RowsPerDecade);

    private static long[] Rows(LatencyHistogram histogram)
    {
        long[] rows = new long[RowsPerDecade * 11];
        for (int index = 0; index < LatencyHistogram.BucketCount; index++)
        {
            if (histogram.CountAt(index) is > 0 and long count)
            {
                double microseconds = LatencyHistogram.LowestEquivalent(index) / 1000.0;
                rows[Math.Clamp((int)Math.Floor(RowsPerDecade * Math.Log10(Math.Max(microseconds, 0.1) / 0.1)), 0, rows.Length - 1)] += count;
            }
        }

        return rows;
    }

    private static void WriteTable(HtmlWriter html, double intervalSeconds, IReadOnlyList<LatencyHistogram> intervals)
    {
        html.Markup("<details><summary>Values</summary><div class=\"scroll\"><table><thead><tr><th>from, s</th><th>commands</th><th>p50, us</th><th>p99, us</th><th>max, us</th></tr></thead><tbody>");
        for (int i = 0; i < intervals.Count; i++)
        {
            LatencySummary summary = LatencySummary.Of(intervals[i]);
            html.Add($"<tr><th>{i * intervalSeconds}</th><td>{Figures.Count(summary.Count)}</td><td>{Figures.Micro(summary.P50Microseconds)}</td><td>{Figures.Tail(summary, 99, summary.P99Microseconds)}</td><td>{Figures.Micro(summary.MaximumMicroseconds)}</td></tr>");
        }

        html.Markup("</tbody></table></div></details>");
    }
}
