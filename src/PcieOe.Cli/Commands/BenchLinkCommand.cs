using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using PcieOe.Cli.Lab;
using PcieOe.Cli.LinkBench;
using PcieOe.Cli.Reports;
using PcieOe.Transport.Histograms;
using Spectre.Console;

namespace PcieOe.Cli.Commands;

/// <summary><c>pcieoe bench-link</c>: what the raw port can do on this machine, and what the link makes of it.</summary>
internal static class BenchLinkCommand
{
    internal static Command Create()
    {
        LinkBenchOptions defaults = new();
        Option<int> mtu = CommonOptions.Integer("--mtu", "MTU of the link", defaults.MaximumTransmissionUnit, 576, 9216);
        Option<int> rounds = CommonOptions.Integer("--rounds", "How often each figure is measured; the median counts", defaults.Rounds, 1, 1000);
        Option<int> milliseconds = CommonOptions.Integer("--milliseconds", "How long each measurement takes", defaults.Milliseconds, 50, 60_000);
        Option<FileInfo?> json = CommonOptions.Json();
        TaughtCommand command = new("bench-link", "Measures the Ethernet port, and the link on top of it, on this machine alone.", """
            Two processes, a core each, in two network namespaces joined by a virtual cable. Raw port and link are measured in turns, and
            each figure is the median of all turns, so that a busy machine treats them alike. It takes root, or a kernel that lets users
            have namespaces of their own. Everything it makes goes away with it.

            Example:
              pcieoe bench-link --json link.json

            In the file, floor is the raw port and link what PcieOe makes of it: floor.rtt_64_us.p50, link.rtt_64_us.p50,
            floor.flood_gbps, link.payload_gbps (docs/performance.md explains them all).
            """)
        {
            mtu, rounds, milliseconds, json,
        };
        command.SetAction((parsed, cancellation) => Task.Run(() =>
        {
            UserNamespace.EnterIfNeeded([.. parsed.Tokens.Select(token => token.Value)]);
            LinkBenchRun run = new(new LinkBenchOptions
            {
                MaximumTransmissionUnit = parsed.GetValue(mtu),
                Rounds = parsed.GetValue(rounds),
                Milliseconds = parsed.GetValue(milliseconds),
            });
            LinkBenchReport report = ReportConsole.CreateForProgress().Progress().Start(context =>
            {
                ProgressTask task = context.AddTask("measuring", maxValue: run.Steps);
                return run.Run(() => task.Increment(1), cancellation);
            });
            Print(report);
            if (parsed.GetValue(json) is { } file)
            {
                File.WriteAllText(file.FullName, JsonSerializer.Serialize(report, LinkBenchJson.Default.LinkBenchReport) + "\n");
            }

            return ExitCode.Success;
        }));
        return command;
    }

    private static void Print(LinkBenchReport report)
    {
        Table table = new();
        table.AddColumns("", "round trip, 64 B: p50", "p99", "of raw", "one way, Gb/s", "of raw");
        AddRow("raw port", report.Floor.RoundTrip64, 1, report.Floor.FloodGigabitsPerSecond, 1);
        AddRow("link, clear", report.Link.RoundTrip, report.Link.RoundTripRatio, report.Link.PayloadGigabitsPerSecond, report.Link.PayloadRatio);
        AddRow("link, keyed", report.Keyed.RoundTrip, report.Keyed.RoundTripRatio, report.Keyed.PayloadGigabitsPerSecond, report.Keyed.PayloadRatio);
        AddRow("link, clear, 32 sessions", null, null, report.Sessions32.PayloadGigabitsPerSecond,
            report.Sessions32.PayloadGigabitsPerSecond / report.Floor.FloodGigabitsPerSecond);
        IAnsiConsole console = ReportConsole.Create();
        console.Write(table);
        console.MarkupLineInterpolated(
            $"MTU {report.MaximumTransmissionUnit}; Gb/s are decimal and count Ethernet payload. 32 sessions carry {Percent(report.Sessions32.PayloadRatio)} of what one does.");

        void AddRow(string name, LatencySummary? roundTrip, double? roundTripRatio, double gigabits, double ratio) => table.AddRow(
            name,
            roundTrip is null ? "" : Number(roundTrip.P50Microseconds, "0.00 us"),
            roundTrip is null ? "" : Number(roundTrip.P99Microseconds, "0.00 us"),
            roundTripRatio is { } value ? Number(value, "0.00 x") : "",
            Number(gigabits, "0.00"),
            Percent(ratio));

        static string Number(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);
        static string Percent(double ratio) => ratio.ToString("0 %", CultureInfo.InvariantCulture);
    }
}
