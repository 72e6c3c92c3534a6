using System.Globalization;

namespace PcieOe.Cli.Reports.Html.Sections;

/// <summary>Nested QoS: what each class got, beside first-in first-out.</summary>
internal static class Classes
{
    internal static void Write(HtmlWriter html, RunReport report)
    {
        WriteTable(html, "Nested QoS: what each class got", report.Classes);
        WriteTable(html, "The same load at the same capacity, first-in first-out", report.FifoClasses);
        if (report.Capacity is { } capacity)
        {
            html.Add($"<p class=\"quiet\">Units of 4 KiB a second: capacity {Figures.Count(capacity.UnitsPerSecond)}, offered {Figures.Count(capacity.OfferedUnitsPerSecond)}; the classes take {Figures.Count(capacity.NestedUnitsPerSecond)} nested, {Figures.Count(capacity.SingleClassUnitsPerSecond)} as one class with the tightest deadline.</p>");
        }
    }

    private static void WriteTable(HtmlWriter html, string title, IReadOnlyList<ClassResult>? classes)
    {
        if (classes is null)
        {
            return;
        }

        html.Add($"<h2>{title}</h2>");
        html.Markup("<div class=\"scroll\"><table><thead><tr><th>tenant, class</th><th>deadline, ms</th><th>arrivals</th><th>share</th><th>met</th><th>missed</th><th>p50, ms</th><th>p99, ms</th><th>max, ms</th></tr></thead><tbody>");
        foreach (ClassResult member in classes)
        {
            string deadline = member.DeadlineMilliseconds?.ToString(CultureInfo.InvariantCulture) ?? "none";
            string share = member.Share.ToString("P1", CultureInfo.InvariantCulture);
            html.Add($"<tr><th>{member.Tenant}, {member.Class}</th><td>{deadline}</td><td>{Figures.Count(member.Arrivals)}</td><td>{share}</td><td>{Figures.Count(member.Met)}</td><td>{Figures.Count(member.Missed)}</td><td>{Figures.Milli(member.P50Milliseconds)}</td><td>{Figures.Milli(member.P99Milliseconds)}</td><td>{Figures.Milli(member.MaximumMilliseconds)}</td></tr>");
        }

        html.Markup("</tbody></table></div>");
    }
}
