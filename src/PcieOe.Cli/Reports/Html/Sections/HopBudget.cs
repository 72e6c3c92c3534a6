using PcieOe.Host.Bench;
using PcieOe.Protocol.Hops;
using PcieOe.Transport.Hops;

namespace PcieOe.Cli.Reports.Html.Sections;

/// <summary>
/// Where a command's time goes: for each sampled workload a bar of the hops' means, which add up, with what they leave unexplained as a
/// piece of its own; behind it the percentiles, which do not add up.
/// </summary>
internal static class HopBudget
{
    private const double BarUnits = 1000;

    internal static void Write(HtmlWriter html, RunReport report)
    {
        WorkloadResult[] sampled = [.. report.Workloads.Where(workload => workload.Sampled > 0 && workload.EndToEnd is not null)];
        if (sampled.Length == 0)
        {
            return;
        }

        html.Markup("<h2>Where every microsecond goes</h2><p class=\"quiet\">Means of the stamped commands, hop by hop. The whole is measured by itself; the dashed end is what the hops do not explain. Of the two hops on the wire the paler part is the time in the receiving port's ring, behind the kernel's timestamp.</p>");
        WorkloadResult[] single = [.. sampled.Where(workload => workload.QueueDepth == 1)];
        WriteBars(html, "One command at a time, microseconds", single, single.Select(Whole).DefaultIfEmpty(0).Max());
        WriteBars(html, "Several at a time, share of their time", [.. sampled.Where(workload => workload.QueueDepth > 1)], 0);
        WriteLegend(html, sampled);
        html.Markup("<details><summary>Every hop of every workload</summary>");
        foreach (WorkloadResult workload in sampled)
        {
            WriteTable(html, workload);
        }

        html.Markup("</details>");
        if (sampled.Any(workload => workload.HopsByLabel.Count > 0))
        {
            WriteLabels(html, sampled);
        }
    }

    private static double Whole(WorkloadResult workload) => Math.Max(workload.EndToEnd!.MeanMicroseconds, workload.Hops.Sum(hop => hop.MeanMicroseconds));

    /// <param name="full">What the whole width stands for, us; 0: each bar is its own whole.</param>
    private static void WriteBars(HtmlWriter html, string title, WorkloadResult[] workloads, double full)
    {
        if (workloads.Length == 0)
        {
            return;
        }

        html.Add($"<figure class=\"wide\"><figcaption>{title}</figcaption><div class=\"bars\">");
        foreach (WorkloadResult workload in workloads)
        {
            double unit = BarUnits / Math.Max(full > 0 ? full : Whole(workload), 1e-9), left = 0;
            html.Add($"<span>{workload.Name}</span><svg class=\"bar\" viewBox=\"0 0 {BarUnits} 10\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"{workload.Name}: hops\">");
            foreach (HopSummary hop in workload.Hops)
            {
                HopSummary[] parts = [.. workload.HopParts.Where(part => part.Hop == hop.Name && part.Count == hop.Count)];
                if (parts.Length == 0)
                {
                    Piece(html, hop.Name, hop.Name, hop.MeanMicroseconds, unit, ref left);
                }

                foreach (HopSummary part in parts)
                {
                    Piece(html, $"{hop.Name} {part.Name}", $"{hop.Name}, {part.Name}", part.MeanMicroseconds, unit, ref left);
                }
            }

            double residual = workload.EndToEnd!.MeanMicroseconds - workload.Hops.Sum(hop => hop.MeanMicroseconds);
            Piece(html, "residual", "residual", residual, unit, ref left);
            html.Add($"</svg><b>{Figures.Micro(workload.EndToEnd.MeanMicroseconds)} us</b>");
        }

        if (full > 0)
        {
            html.Markup("<span></span><div class=\"scale\">");
            for (int i = 0; i <= 4; i++)
            {
                html.Add($"<i>{Figures.Short(full * i / 4)}</i>");
            }

            html.Markup("</div><span></span>");
        }

        html.Markup("</div></figure>");
    }

    private static void Piece(HtmlWriter html, string kind, string name, double microseconds, double unit, ref double left)
    {
        if (microseconds > 0)
        {
            html.Add($"<rect class=\"{Kind(kind)}\" x=\"{left}\" y=\"0\" width=\"{microseconds * unit}\" height=\"10\"><title>{name}: {microseconds} us</title></rect>");
            left += microseconds * unit;
        }
    }

    private static string Kind(string hop) => $"hop {hop}";

    private static void WriteLegend(HtmlWriter html, WorkloadResult[] sampled)
    {
        html.Markup("<ul class=\"legend hops\">");
        foreach (string name in sampled.SelectMany(workload => workload.Hops).Select(hop => hop.Name).Distinct().Append("residual"))
        {
            html.Add($"<li><svg viewBox=\"0 0 10 10\" aria-hidden=\"true\"><rect class=\"{Kind(name)}\" width=\"10\" height=\"10\"/></svg>{name}</li>");
        }

        html.Markup("</ul>");
    }

    private static void WriteTable(HtmlWriter html, WorkloadResult workload)
    {
        html.Add($"<h3>{workload.Name}</h3><div class=\"scroll\"><table><thead><tr><th>hop, us</th><th>mean</th><th>share</th><th>p50</th><th>p99</th><th>p99.9</th><th>max</th><th>samples</th></tr></thead><tbody>");
        double whole = Math.Max(workload.EndToEnd!.MeanMicroseconds, 1e-9);
        foreach (HopSummary hop in workload.Hops)
        {
            Row(html, hop, whole);
            foreach (HopSummary part in workload.HopParts.Where(part => part.Hop == hop.Name))
            {
                Row(html, part with { Name = $"of it {part.Name}" }, whole);
            }
        }

        double residual = workload.EndToEnd.MeanMicroseconds - workload.Hops.Sum(hop => hop.MeanMicroseconds);
        html.Add($"<tr><th>residual</th><td>{Figures.Rate(residual)}</td><td>{100 * residual / whole} %</td><td>{Figures.Rate(workload.ResidualMicroseconds ?? 0)}</td><td></td><td></td><td></td><td></td></tr>");
        Row(html, workload.EndToEnd, whole);
        html.Markup("</tbody></table></div>");
    }

    /// <summary>Tenants, classes, opcodes, sizes, and what had to be sent again, each by itself.</summary>
    private static void WriteLabels(HtmlWriter html, WorkloadResult[] sampled)
    {
        html.Markup("<details><summary>By tenant, class, opcode, size, retransmitted or clean</summary><p class=\"quiet\">Medians, microseconds. Retransmitted: while the command was under way a frame of its session was lost, or sent again.</p><div class=\"scroll\"><table><thead><tr><th>workload</th><th>tenant</th><th>kind</th><th>samples</th><th>end to end</th><th>p99</th><th>residual</th>");
        foreach (string name in HopNames.All)
        {
            html.Add($"<th>{name}</th>");
        }

        html.Markup("</tr></thead><tbody>");
        foreach (WorkloadResult workload in sampled)
        {
            foreach (LabelledHopsResult entry in workload.HopsByLabel)
            {
                string thin = entry.Sampled < 1000 ? "~" : "";
                html.Add($"<tr><th>{workload.Name}</th><td>{entry.Tenant}</td><td>{WorkloadGroups.Kind(entry)}</td><td>{Figures.Count(entry.Sampled)}</td><td>{Figures.Rate(entry.EndToEnd.P50Microseconds)}</td><td>{thin}{Figures.Rate(entry.EndToEnd.P99Microseconds)}</td><td>{Figures.Rate(entry.ResidualMicroseconds)}</td>");
                foreach (HopSummary hop in entry.Hops)
                {
                    html.Add($"<td>{Figures.Rate(hop.P50Microseconds)}</td>");
                }

                html.Markup("</tr>");
            }
        }

        html.Markup("</tbody></table></div></details>");
    }

    private static void Row(HtmlWriter html, HopSummary hop, double whole)
    {
        string thin99 = hop.Count < 1000 ? "~" : "", thin999 = hop.Count < 10_000 ? "~" : "";
        html.Add($"<tr><th>{hop.Name}</th><td>{Figures.Rate(hop.MeanMicroseconds)}</td><td>{Figures.Micro(100 * hop.MeanMicroseconds / whole)} %</td><td>{Figures.Rate(hop.P50Microseconds)}</td><td>{thin99}{Figures.Rate(hop.P99Microseconds)}</td><td>{thin999}{Figures.Rate(hop.P999Microseconds)}</td><td>{Figures.Micro(hop.MaximumMicroseconds)}</td><td>{Figures.Count(hop.Count)}</td></tr>");
    }
}
