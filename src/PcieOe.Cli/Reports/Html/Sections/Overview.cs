using PcieOe.Host.Bench;

namespace PcieOe.Cli.Reports.Html.Sections;

/// <summary>What the run says in four figures, on which machine, over which path, and what to know before trusting it.</summary>
internal static class Overview
{
    internal static void Write(HtmlWriter html, RunReport report)
    {
        MachineDescription machine = report.Machine;
        PathDescription path = report.Path;
        html.Add($"<header><h1>PcieOe characterisation</h1><p class=\"quiet\">{report.Started:yyyy-MM-dd HH:mm:ss zzz}. {machine.Processor}, {machine.Cores} cores, {machine.MemoryGibibytes} GiB, Linux {machine.Kernel}, {machine.Runtime}. Port {path.Port}, {path.Topology}, MTU {path.MaximumTransmissionUnit}, {(path.IsKeyed ? "keyed" : "clear")}.</p></header>");
        html.Markup("<div class=\"tiles\">");
        WriteTiles(html, report);
        html.Markup("</div>");
        WriteClocks(html, report);
        foreach (string note in report.Notes)
        {
            html.Add($"<p class=\"note\">{note}</p>");
        }

        WriteFloor(html, report.Floor);
    }

    private static void WriteTiles(HtmlWriter html, RunReport report)
    {
        FloorResult? floor = report.Floor;
        if (report.Workloads.Where(workload => workload is { Pattern: "randread", BlockBytes: 4096, QueueDepth: 1, Variant: null, RatePerSecond: null }).FirstOrDefault() is { } read)
        {
            string against = floor is { RoundTrip64To4096.P50Microseconds: > 0 }
                ? FormattableString.Invariant($"{read.Latency.P50Microseconds / floor.RoundTrip64To4096.P50Microseconds:F2} x the raw round trip of {Figures.Micro(floor.RoundTrip64To4096.P50Microseconds)} us")
                : "median";
            Tile(html, "4 KiB read, one at a time", $"{Figures.Micro(read.Latency.P50Microseconds)} us", against);
        }

        if (WorkloadGroups.Commands(report).MaxBy(workload => workload.CommandsPerSecond) is { } busiest)
        {
            Tile(html, "most commands", $"{Figures.Short(busiest.CommandsPerSecond)} IOPS", busiest.Name);
        }

        if (WorkloadGroups.Commands(report).MaxBy(workload => workload.GigabitsPerSecond) is { } fastest)
        {
            string share = floor is { FloodGigabitsPerSecond: > 0 } ? FormattableString.Invariant($", {100 * fastest.GigabitsPerSecond / floor.FloodGigabitsPerSecond:F0} % of the raw flood") : "";
            Tile(html, "most data", $"{Figures.Rate(fastest.GigabitsPerSecond)} Gb/s", fastest.Name + share);
        }

        long wrong = report.Workloads.Sum(workload => workload.VerifyErrors), failed = report.Workloads.Sum(workload => workload.Errors);
        string verified = Figures.Count(report.Workloads.Sum(workload => workload.VerifiedBlocks));
        Tile(html, "blocks verified", verified, $"{Figures.Count(wrong)} wrong, {Figures.Count(failed)} commands failed", report.IsFaultless ? "good" : "bad");
    }

    private static void Tile(HtmlWriter html, string name, string value, string remark, string kind = "") =>
        html.Add($"<div class=\"tile {kind}\"><span>{name}</span><b>{value}</b><small>{remark}</small></div>");

    private static void WriteClocks(HtmlWriter html, RunReport report)
    {
        WorkloadResult[] sampled = [.. report.Workloads.Where(workload => workload is { Clock: not null, SampleEvery: > 0 })];
        if (sampled.MaxBy(workload => workload.Clock!.ErrorBoundMicroseconds)?.Clock is { } clock)
        {
            string range = string.Join(" to ", sampled.Select(workload => workload.SampleEvery).Distinct().Order());
            html.Add($"<p class=\"quiet\">One-way times: {clock.Source} clock, at most {clock.ErrorBoundMicroseconds} us off. One command in {range} was stamped at every hop.</p>");
        }
    }

    private static void WriteFloor(HtmlWriter html, FloorResult? floor)
    {
        if (floor is null)
        {
            return;
        }

        html.Markup("<h2>The floor: the raw port on the same path</h2><div class=\"scroll\"><table><thead><tr><th></th><th>p50, us</th><th>p99, us</th><th>max, us</th><th>round trips</th><th>Gb/s</th></tr></thead><tbody>");
        html.Add($"<tr><th>64 B echo</th><td>{Figures.Micro(floor.RoundTrip64.P50Microseconds)}</td><td>{Figures.Micro(floor.RoundTrip64.P99Microseconds)}</td><td>{Figures.Micro(floor.RoundTrip64.MaximumMicroseconds)}</td><td>{Figures.Count(floor.RoundTrip64.Count)}</td><td></td></tr>");
        html.Add($"<tr><th>64 B out, 4 KiB back</th><td>{Figures.Micro(floor.RoundTrip64To4096.P50Microseconds)}</td><td>{Figures.Micro(floor.RoundTrip64To4096.P99Microseconds)}</td><td>{Figures.Micro(floor.RoundTrip64To4096.MaximumMicroseconds)}</td><td>{Figures.Count(floor.RoundTrip64To4096.Count)}</td><td></td></tr>");
        html.Add($"<tr><th>one way, full frames</th><td></td><td></td><td></td><td></td><td>{Figures.Rate(floor.FloodGigabitsPerSecond)}</td></tr></tbody></table></div>");
    }
}
