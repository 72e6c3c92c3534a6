using System.Globalization;
using PcieOe.Cli.Reports;
using Spectre.Console;

namespace PcieOe.Cli.CapacityPlans;

/// <summary>A capacity plan for a terminal: tables, bars, and what goes into the target's configuration.</summary>
internal static class CapacityPlanText
{
    private const int BarColumns = 60;

    internal static void Write(IAnsiConsole console, CapacityPlan plan)
    {
        console.MarkupLineInterpolated(CultureInfo.InvariantCulture,
            $"{plan.Arrivals:N0} commands in {plan.Seconds:F3} s; units of 4 KiB a second: {plan.MeanUnitsPerSecond:N0} on average, {plan.PeakUnitsPerSecond:N0} in the busiest 10 ms");
        console.WriteLine();
        WriteClasses(console, plan);
        WriteBars(console, plan);
        WriteCurves(console, plan);
        WriteConfiguration(console, plan);
    }

    private static void WriteClasses(IAnsiConsole console, CapacityPlan plan)
    {
        Table table = NewTable("Classes, tightest first", "class", "response, ms", "burst", "rate", "asked", "held");
        foreach (PlannedClass member in plan.Classes)
        {
            table.AddRow(member.Name, member.ResponseMilliseconds.ToString("G6", CultureInfo.InvariantCulture), Figures.Count(member.BurstUnits), Figures.Count(member.UnitsPerSecond),
                Percent(member.AskedFraction), Percent(member.HeldFraction));
        }

        console.Write(table);
    }

    private static void WriteBars(IAnsiConsole console, CapacityPlan plan)
    {
        console.WriteLine("Capacity needed, units a second");
        (string Name, double Value)[] bars =
        [
            ("average load", plan.MeanUnitsPerSecond),
            ("nested classes", plan.NestedUnitsPerSecond),
            ($"{Percent(plan.Classes[^1].AskedFraction)} in {plan.Classes[0].ResponseMilliseconds:G6} ms", plan.SingleClassUnitsPerSecond),
        ];
        double longest = bars.Max(bar => bar.Value);
        int names = bars.Max(bar => bar.Name.Length);
        foreach ((string name, double value) in bars)
        {
            int length = Math.Max(1, (int)Math.Round(BarColumns * value / longest));
            console.WriteLine($"  {name.PadRight(names)} {new string('█', length)} {Figures.Count(value)}");
        }

        console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  nested classes take {plan.Ratio:P0} of what one class with the tightest response time takes."));
        console.WriteLine();
    }

    private static void WriteCurves(IAnsiConsole console, CapacityPlan plan)
    {
        Table table = NewTable("Capacity for one class, by part of the commands",
            ["of the commands", .. plan.Curves.Select(curve => string.Create(CultureInfo.InvariantCulture, $"in {curve.ResponseMilliseconds:G6} ms"))]);
        for (int i = 0; i < plan.Curves[0].Points.Count; i++)
        {
            table.AddRow([Percent(plan.Curves[0].Points[i].Fraction), .. plan.Curves.Select(curve => Figures.Count(curve.Points[i].UnitsPerSecond))]);
        }

        console.Write(table);
    }

    private static void WriteConfiguration(IAnsiConsole console, CapacityPlan plan)
    {
        console.WriteLine("For the tenant in the target's configuration (nestedQos.tenants[]):");
        IEnumerable<string> classes = plan.Classes.Select(member => string.Create(CultureInfo.InvariantCulture,
            $$"""  { "name": "{{member.Name}}", "burst": {{member.BurstUnits}}, "rate": {{member.UnitsPerSecond}}, "responseMilliseconds": {{member.ResponseMilliseconds}} }"""));
        console.WriteLine("\"classes\": [\n" + string.Join(",\n", classes) + "\n]");
    }

    private static Table NewTable(string title, params string[] columns)
    {
        Table table = new Table { Border = TableBorder.Simple }.Title($"[bold]{Markup.Escape(title)}[/]");
        foreach (string column in columns)
        {
            table.AddColumn(new TableColumn(Markup.Escape(column)) { NoWrap = true }.RightAligned());
        }

        return table;
    }

    private static string Percent(double fraction) => string.Create(CultureInfo.InvariantCulture, $"{100 * fraction:0.##} %");
}
