using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using PcieOe.Cli.Reports;
using Spectre.Console;

namespace PcieOe.Cli.Commands.Watching;

/// <summary>
/// <c>pcieoe status --watch</c>: rates of each daemon, attachment and session, refreshed in place on a terminal; elsewhere a table for each
/// interval.
/// </summary>
internal static class StatusWatch
{
    /// <param name="ask">Gets the daemons' answers.</param>
    /// <param name="updates">How many tables to show; 0: until cancelled.</param>
    internal static async Task RunAsync(Func<Task<IReadOnlyList<JsonObject>>> ask, double seconds, int updates, CancellationToken cancellation)
    {
        IAnsiConsole console = ReportConsole.Create();
        IReadOnlyList<JsonObject> before = await ask().ConfigureAwait(false);
        Stopwatch watch = Stopwatch.StartNew();
        async Task<Table> NextAsync()
        {
            await Task.Delay(TimeSpan.FromSeconds(seconds), cancellation).ConfigureAwait(false);
            IReadOnlyList<JsonObject> now = await ask().ConfigureAwait(false);
            Table table = Draw(before.Zip(now).SelectMany(pair => WatchRow.Of(pair.First, pair.Second, watch.Elapsed.TotalSeconds)));
            before = now;
            watch.Restart();
            return table;
        }

        if (Console.IsOutputRedirected)
        {
            for (int shown = 0; updates == 0 || shown < updates; shown++)
            {
                console.Write(await NextAsync().ConfigureAwait(false));
            }

            return;
        }

        await console.Live(Draw([])).StartAsync(async live =>
        {
            for (int shown = 0; updates == 0 || shown < updates; shown++)
            {
                live.UpdateTarget(await NextAsync().ConfigureAwait(false));
            }
        }).ConfigureAwait(false);
    }

    private static Table Draw(IEnumerable<WatchRow> rows)
    {
        Table table = new() { Border = TableBorder.Simple };
        foreach ((int index, string name) in ((string[])["", "state", "rtt us", "in Gb/s", "out Gb/s", "frames/s", "resent/s", "dropped/s"]).Index())
        {
            TableColumn column = new(name) { NoWrap = true, Padding = new Padding(0, 0, 1, 0) };
            table.AddColumn(index < 2 ? column.LeftAligned() : column.RightAligned());
        }

        foreach (WatchRow row in rows)
        {
            string colour = row.State.Contains("outage", StringComparison.Ordinal) || row.State.StartsWith("down", StringComparison.Ordinal) ? "red" : "default";
            table.AddRow(
                Markup.Escape(row.Name),
                $"[{colour}]{Markup.Escape(row.State)}[/]",
                row.RoundTripMicroseconds?.ToString("F1", CultureInfo.InvariantCulture) ?? "",
                Figures.Rate(row.ReceivedGigabitsPerSecond),
                Figures.Rate(row.SentGigabitsPerSecond),
                Figures.Count(row.FramesPerSecond),
                row.RetransmitsPerSecond is { } retransmits ? Figures.Count(retransmits) : "",
                Figures.Count(row.DropsPerSecond));
        }

        return table;
    }
}
