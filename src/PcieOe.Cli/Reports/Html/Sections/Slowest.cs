using PcieOe.Host.Bench;
using PcieOe.Protocol.Hops;
using PcieOe.Transport.Hops;

namespace PcieOe.Cli.Reports.Html.Sections;

/// <summary>The slowest sampled commands with all their hops: which part of the path made them slow.</summary>
internal static class Slowest
{
    internal static void Write(HtmlWriter html, RunReport report)
    {
        WorkloadResult[] sampled = [.. report.Workloads.Where(workload => workload.Slowest is { Count: > 0 })];
        if (sampled.Length == 0)
        {
            return;
        }

        html.Markup("<h2>The slowest commands</h2><p class=\"quiet\">Of those that were stamped, hop by hop, in microseconds; in bold the hop that took longest.</p>");
        foreach (WorkloadResult workload in sampled)
        {
            string most = LongestHop(workload.Slowest!) is { } name ? $"mostly {name}" : "";
            html.Add($"<details><summary>{workload.Name}: up to {Figures.Micro(workload.Slowest![0].EndToEndMicroseconds)} us, {most}</summary><div class=\"scroll\"><table><thead><tr><th>ended at, s</th><th>whole</th><th>opcode</th><th>bytes</th>");
            foreach (string hop in HopNames.All)
            {
                html.Add($"<th>{hop}</th>");
            }

            html.Markup("</tr></thead><tbody>");
            foreach (SlowCommand command in workload.Slowest!)
            {
                WriteRow(html, command);
            }

            html.Markup("</tbody></table></div></details>");
        }
    }

    private static void WriteRow(HtmlWriter html, SlowCommand command)
    {
        html.Add($"<tr><th>{command.EndedAtSeconds}</th><td>{Figures.Micro(command.EndToEndMicroseconds)}</td><td>{WorkloadGroups.OpcodeName(command.Opcode)}</td><td>{command.Bytes}</td>");
        double longest = command.HopMicroseconds.DefaultIfEmpty(0).Max();
        foreach (double microseconds in command.HopMicroseconds)
        {
            html.Add($"<td class=\"{(microseconds == longest ? "most" : "")}\">{Figures.Rate(microseconds)}</td>");
        }

        html.Markup("</tr>");
    }

    /// <summary>The hop that was the longest of most of the commands.</summary>
    private static string? LongestHop(IReadOnlyList<SlowCommand> commands) => commands
        .Where(command => command.HopMicroseconds.Count == HopNames.Count)
        .Select(command => HopNames.All[command.HopMicroseconds.Index().MaxBy(hop => hop.Item).Index])
        .GroupBy(name => name)
        .MaxBy(group => group.Count())?.Key;
}
