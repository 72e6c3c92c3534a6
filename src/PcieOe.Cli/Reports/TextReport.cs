using System.Globalization;
using PcieOe.Host.Bench;
using PcieOe.Transport.Histograms;
using Spectre.Console;
using static PcieOe.Cli.Reports.Figures;

namespace PcieOe.Cli.Reports;

/// <summary>Renders a report for a terminal, in tables of at most 100 columns.</summary>
internal static class TextReport
{
    public static void Write(IAnsiConsole console, RunReport report)
    {
        console.MarkupLine($"[bold]PcieOe characterisation[/]  {report.Started.ToLocalTime():yyyy-MM-dd HH:mm:ss}");
        MachineDescription machine = report.Machine;
        console.MarkupLineInterpolated(CultureInfo.InvariantCulture,
            $"[grey]{machine.Processor}, {machine.Cores} cores, {machine.MemoryGibibytes} GiB, Linux {machine.Kernel}, {machine.Runtime}[/]");
        console.MarkupLineInterpolated(CultureInfo.InvariantCulture,
            $"[grey]port {report.Path.Port}, {report.Path.Topology}, MTU {report.Path.MaximumTransmissionUnit}, {(report.Path.IsKeyed ? "keyed" : "clear")}[/]");
        console.WriteLine();
        WriteFloor(console, report);
        TlpText.Write(console, report);
        WriteWorkloads(console, report);
        HopText.Write(console, report);
        WriteOutage(console, report.Outage);
        WriteHosts(console, report.Hosts);
        WriteScaling(console, report.HostsScaling);
        WriteClasses(console, "Nested QoS: what each class got (ms, arrival to sent)", report.Classes);
        WriteClasses(console, "The same load at the same capacity, first-in first-out", report.FifoClasses);
        WriteCapacity(console, report.Capacity);
        WriteDirections(console, report.Directions);
        WriteOverheads(console, report.PolicyOverheads);
        foreach (string note in report.Notes)
        {
            console.MarkupLineInterpolated(CultureInfo.InvariantCulture, $"[yellow]note[/] {note}");
        }
    }

    private static void WriteFloor(IAnsiConsole console, RunReport report)
    {
        if (report.Floor is not { } floor)
        {
            return;
        }

        Table table = NewTable("The raw port on the same path", "", "p50 us", "p99 us", "max us", "Gb/s");
        table.AddRow("64 B echo", Micro(floor.RoundTrip64.P50Microseconds), Micro(floor.RoundTrip64.P99Microseconds), Micro(floor.RoundTrip64.MaximumMicroseconds), "");
        LatencySummary read = floor.RoundTrip64To4096;
        table.AddRow("64 B out, 4 KiB back", Micro(read.P50Microseconds), Micro(read.P99Microseconds), Micro(read.MaximumMicroseconds), "");
        table.AddRow("one way, full frames", "", "", "", Rate(floor.FloodGigabitsPerSecond));
        console.Write(table);
    }

    private static void WriteWorkloads(IAnsiConsole console, RunReport report)
    {
        WorkloadResult[] commands = [.. WorkloadGroups.Commands(report)];
        if (commands.Length == 0)
        {
            return;
        }

        Table table = NewTable("Workloads of the built-in driver (latency in us)", "workload", "IOPS", "Gb/s", "p50", "p99", "p99.9", "max", "of floor");
        foreach (WorkloadResult workload in commands)
        {
            LatencySummary latency = workload.Latency;
            table.AddRow(
                workload.Name,
                Count(workload.CommandsPerSecond),
                Rate(workload.GigabitsPerSecond),
                Micro(latency.P50Microseconds),
                Tail(latency, 99, latency.P99Microseconds),
                Tail(latency, 99.9, latency.P999Microseconds),
                Micro(latency.MaximumMicroseconds),
                AgainstFloor(report, workload));
        }

        console.Write(table);
        console.MarkupLine("[grey]of floor: at depth 1 the p50 as a multiple of the raw round trip (64 B out, 4 KiB back), else the share of the raw flood's rate.[/]");
        console.MarkupLine("[grey]~ marks a percentile with fewer than ten samples beyond it.[/]");
        long verified = report.Workloads.Sum(workload => workload.VerifiedBlocks);
        long wrong = report.Workloads.Sum(workload => workload.VerifyErrors);
        long failed = report.Workloads.Sum(workload => workload.Errors);
        string colour = wrong + failed == 0 ? "green" : "red";
        console.MarkupLineInterpolated(CultureInfo.InvariantCulture, $"[{colour}]{verified:N0} blocks verified, {wrong:N0} wrong, {failed:N0} commands failed[/]");
        double allocated = report.Workloads.Max(workload => workload.Collector.AllocatedBytesPerCommand);
        int collections = report.Workloads.Sum(workload => workload.Collector.Generation0);
        console.MarkupLineInterpolated(CultureInfo.InvariantCulture,
            $"host's collector: {collections} collections, {report.Workloads.Sum(workload => workload.Collector.PauseMicroseconds):N0} us paused, at most {allocated:F2} bytes allocated a command");
        console.WriteLine();
    }

    private static string AgainstFloor(RunReport report, WorkloadResult workload)
    {
        if (report.Floor is not { } floor)
        {
            return "";
        }

        if (workload.QueueDepth == 1)
        {
            double raw = floor.RoundTrip64To4096.P50Microseconds;
            return workload.BlockBytes == 4096 && raw > 0 ? string.Create(CultureInfo.InvariantCulture, $"{workload.Latency.P50Microseconds / raw:F2} x") : "";
        }

        return floor.FloodGigabitsPerSecond > 0
            ? string.Create(CultureInfo.InvariantCulture, $"{100 * workload.GigabitsPerSecond / floor.FloodGigabitsPerSecond:F0} %")
            : "";
    }

    private static void WriteDirections(IAnsiConsole console, IReadOnlyList<DirectionResult>? directions)
    {
        foreach (DirectionResult direction in directions ?? [])
        {
            Table table = NewTable(
                string.Create(CultureInfo.InvariantCulture, $"Tenants on a link of {direction.LinkMegabitsPerSecond:F0} Mb/s, {direction.Name}s (Mb/s on the wire)"),
                "tenant", "minimum", "without: average", "worst 100 ms", "with: average", "worst 100 ms", "kept");
            foreach ((TenantResult off, TenantResult on) in direction.Off.Tenants.Zip(direction.On.Tenants))
            {
                bool isKept = on.WorstWindowMegabitsPerSecond >= DirectionResult.Tolerance * on.MinimumMegabitsPerSecond;
                table.AddRow(on.Name, Count(on.MinimumMegabitsPerSecond), Count(off.AchievedMegabitsPerSecond), Count(off.WorstWindowMegabitsPerSecond),
                    Count(on.AchievedMegabitsPerSecond), Count(on.WorstWindowMegabitsPerSecond), isKept ? "yes" : "[red]no[/]");
            }

            table.AddRow("all", "", Count(direction.Off.UsedMegabitsPerSecond), "", Count(direction.On.UsedMegabitsPerSecond), "", "");
            console.Write(table);
        }
    }

    private static void WriteOverheads(IAnsiConsole console, IReadOnlyList<PolicyOverheadResult>? overheads)
    {
        if (overheads is null)
        {
            return;
        }

        Table table = NewTable(
            $"What a policy costs: median of {overheads.Max(overhead => overhead.Rounds)} rounds against its absence (95 % interval)", "policy", "throughput lost %", "depth 1, us more");
        foreach (PolicyOverheadResult overhead in overheads)
        {
            table.AddRow(overhead.Policy, Interval(overhead.ThroughputPercent), Interval(overhead.Depth1Microseconds));
        }

        console.Write(table);

        static string Interval(MedianResult value) => string.Create(CultureInfo.InvariantCulture, $"{value.Median:F2} ({value.Low:F2} to {value.High:F2})");
    }

    private static void WriteOutage(IAnsiConsole console, OutageResult? outage)
    {
        if (outage is null)
        {
            return;
        }

        Table table = NewTable("Outages under verified load", "", "outage s", "recovered after s", "failed", "verified blocks", "wrong");
        AddOutage(table, "cable cut", outage);
        if (outage.TargetKilled is { } killed)
        {
            AddOutage(table, "target killed, restarted", killed);
        }

        console.Write(table);
    }

    private static void AddOutage(Table table, string name, OutageResult outage) => table.AddRow(
        name,
        outage.OutageSeconds.ToString("F1", CultureInfo.InvariantCulture),
        outage.RecoveredAfterSeconds.ToString("F3", CultureInfo.InvariantCulture),
        Count(outage.Errors),
        Count(outage.VerifiedBlocks),
        Count(outage.VerifyErrors));

    private static void WriteClasses(IAnsiConsole console, string title, IReadOnlyList<ClassResult>? classes)
    {
        if (classes is null)
        {
            return;
        }

        Table table = NewTable(title, "tenant, class", "deadline", "arrivals", "share", "met", "missed", "p50", "p99", "max");
        foreach (ClassResult member in classes)
        {
            table.AddRow(
                $"{member.Tenant}, {member.Class}",
                member.DeadlineMilliseconds is { } deadline ? Figures.Milli(deadline) : "none",
                Figures.Count(member.Arrivals),
                member.Share.ToString("P1", CultureInfo.InvariantCulture),
                Figures.Count(member.Met),
                Figures.Count(member.Missed),
                Figures.Milli(member.P50Milliseconds),
                Figures.Milli(member.P99Milliseconds),
                Figures.Milli(member.MaximumMilliseconds));
        }

        console.Write(table);
    }

    private static void WriteCapacity(IAnsiConsole console, CapacityResult? capacity)
    {
        if (capacity is not null)
        {
            console.MarkupLineInterpolated(CultureInfo.InvariantCulture,
                $"units of 4 KiB a second: capacity {capacity.UnitsPerSecond:N0}, offered {capacity.OfferedUnitsPerSecond:N0} ({100 * capacity.Load:F0} %); the classes take {capacity.NestedUnitsPerSecond:N0} nested, {capacity.SingleClassUnitsPerSecond:N0} as one class with the tightest deadline (ratio {capacity.Ratio:F2})");
        }
    }

    private static void WriteHosts(IAnsiConsole console, HostsResult? hosts)
    {
        if (hosts is null)
        {
            return;
        }

        Table table = NewTable("Hosts sharing one target", "host", "IOPS", "p50 us", "p99 us", "wrong blocks");
        foreach (HostShare host in hosts.Hosts)
        {
            table.AddRow(host.Name, Count(host.CommandsPerSecond), Micro(host.P50Microseconds), Micro(host.P99Microseconds), Count(host.VerifyErrors));
        }

        console.Write(table);
        console.MarkupLineInterpolated(CultureInfo.InvariantCulture,
            $"together {hosts.TotalCommandsPerSecond:N0} IOPS, {hosts.TotalGigabitsPerSecond:F2} Gb/s; fairness (Jain) {hosts.Fairness:F3}; blocks of another host seen: {hosts.ForeignBlocks}");
        console.MarkupLineInterpolated(CultureInfo.InvariantCulture,
            $"target's memory {hosts.TargetMemoryMebibytes:F0} MiB, {hosts.TargetMemoryPerHostMebibytes:F1} MiB for each host");
    }

    private static void WriteScaling(IAnsiConsole console, IReadOnlyList<HostsResult>? scaling)
    {
        if (scaling is null)
        {
            return;
        }

        Table table = NewTable("Hosts at one target, verified load, keyed", "hosts", "IOPS together", "Gb/s together", "worst p50 us", "worst p99 us", "fairness");
        foreach (HostsResult hosts in scaling)
        {
            table.AddRow(Count(hosts.Hosts.Count), Count(hosts.TotalCommandsPerSecond), Rate(hosts.TotalGigabitsPerSecond),
                Micro(hosts.Hosts.Max(host => host.P50Microseconds)), Micro(hosts.Hosts.Max(host => host.P99Microseconds)), Rate(hosts.Fairness));
        }

        console.Write(table);
    }

    internal static Table NewTable(string title, params string[] columns)
    {
        Table table = new Table { Border = TableBorder.Simple }.Title($"[bold]{Markup.Escape(title)}[/]");
        for (int i = 0; i < columns.Length; i++)
        {
            TableColumn column = new(Markup.Escape(columns[i])) { NoWrap = true, Padding = new Padding(0, 0, 0, 0) };
            table.AddColumn(i == 0 ? column.LeftAligned() : column.RightAligned());
        }

        return table;
    }
}
