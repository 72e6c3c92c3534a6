using System.Globalization;
using PcieOe.Transport.Histograms;

namespace PcieOe.Cli.Reports;

/// <summary>Figures as every report writes them, so that no two disagree.</summary>
internal static class Figures
{
    internal static string Micro(double value) => value.ToString(value < 1000 ? "F1" : "N0", CultureInfo.InvariantCulture);

    internal static string Milli(double value) => value.ToString(value < 10 ? "F2" : "F1", CultureInfo.InvariantCulture);

    /// <summary>Decimal gigabits a second.</summary>
    internal static string Rate(double value) => value.ToString("F2", CultureInfo.InvariantCulture);

    internal static string Count(double value) => value.ToString("N0", CultureInfo.InvariantCulture);

    /// <summary>A percentile, with ~ before it where fewer than ten samples lie beyond.</summary>
    internal static string Tail(LatencySummary latency, double percentile, double value) => (latency.Supports(percentile) ? "" : "~") + Micro(value);

    /// <summary>64 B, 4 KiB, 1 MiB.</summary>
    internal static string Size(double bytes) => bytes switch
    {
        >= 1 << 20 when bytes % (1 << 20) == 0 => string.Create(CultureInfo.InvariantCulture, $"{bytes / (1 << 20)} MiB"),
        >= 1 << 10 when bytes % (1 << 10) == 0 => string.Create(CultureInfo.InvariantCulture, $"{bytes / (1 << 10)} KiB"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{bytes} B"),
    };

    /// <summary>Three digits and a prefix: 950, 84.6 k, 1.25 M.</summary>
    internal static string Short(double value)
    {
        (double scaled, string prefix) = Math.Abs(value) switch
        {
            >= 1e9 => (value / 1e9, " G"),
            >= 1e6 => (value / 1e6, " M"),
            >= 1e4 => (value / 1e3, " k"),
            _ => (value, ""),
        };
        string format = Math.Abs(scaled) switch { >= 100 => "0", >= 10 => "0.#", >= 1 => "0.##", _ => "0.###" };
        return scaled.ToString(format, CultureInfo.InvariantCulture) + prefix;
    }
}
