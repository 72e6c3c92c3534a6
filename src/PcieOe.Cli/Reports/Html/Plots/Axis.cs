using System.Globalization;

namespace PcieOe.Cli.Reports.Html.Plots;

/// <summary>A mark on an axis.</summary>
internal readonly record struct Tick(double Value, string Label);

/// <summary>One axis of a plot: where a value lies on it, 0 to 1, and its marks.</summary>
internal sealed class Axis
{
    private readonly Func<double, double> _map;
    private readonly double _low;
    private readonly double _high;

    private Axis(string label, Func<double, double> map, double minimum, double maximum, IReadOnlyList<Tick> ticks)
    {
        Label = label;
        _map = map;
        _low = map(minimum);
        _high = map(maximum);
        Ticks = ticks;
    }

    /// <summary>What it shows, and in which unit.</summary>
    internal string Label { get; }

    internal IReadOnlyList<Tick> Ticks { get; }

    internal double Place(double value) => Math.Clamp((_map(value) - _low) / (_high - _low), 0, 1);

    /// <summary>From 0 to just above the largest value.</summary>
    internal static Axis Linear(string label, IEnumerable<double> values)
    {
        double maximum = Math.Max(values.DefaultIfEmpty(0).Max(), 1e-9);
        double rough = maximum / 5, power = Math.Pow(10, Math.Floor(Math.Log10(rough)));
        double step = (rough / power) switch { <= 1 => power, <= 2 => 2 * power, <= 5 => 5 * power, _ => 10 * power };
        int count = (int)Math.Ceiling(maximum / step - 1e-9);
        return new Axis(label, value => value, 0, count * step, [.. Enumerable.Range(0, count + 1).Select(i => new Tick(i * step, Figures.Short(i * step)))]);
    }

    /// <summary>Logarithmic, from 1, 2 or 5 times a power of ten to another such, around all values.</summary>
    internal static Axis Logarithmic(string label, IEnumerable<double> values)
    {
        double[] positive = [.. values.Where(value => value > 0).DefaultIfEmpty(1)];
        List<double> steps = [.. Enumerable.Range(-4, 16).SelectMany(power => ((double[])[1, 2, 5]).Select(digit => digit * Math.Pow(10, power)))];
        double minimum = steps.Last(step => step <= positive.Min() * 1.0001 || step == steps[0]);
        double maximum = steps.First(step => (step >= positive.Max() * 0.9999 && step > minimum) || step == steps[^1]);
        List<double> shown = [.. steps.Where(step => step >= minimum && step <= maximum)];
        if (shown.Count > 8)
        {
            shown = [.. shown.Where(step => step == minimum || step == maximum || Math.Abs(Math.Log10(step) - Math.Round(Math.Log10(step))) < 1e-9)];
        }

        return new Axis(label, Math.Log10, minimum, maximum, [.. shown.Select(step => new Tick(step, Figures.Short(step)))]);
    }

    /// <summary>Logarithmic, with a mark at each of the values.</summary>
    internal static Axis Doublings(string label, IEnumerable<double> values, Func<double, string> name)
    {
        double[] distinct = [.. values.Distinct().Order()];
        double spread = distinct.Length > 1 ? 1 : 2;
        double span = Math.Log2(distinct[^1] / distinct[0]), last = double.NegativeInfinity;
        List<Tick> ticks = [];
        foreach (double value in distinct)
        {
            bool hasRoom = Math.Log2(value) - last >= span / 9;
            last = hasRoom ? Math.Log2(value) : last;
            ticks.Add(new Tick(value, hasRoom ? name(value) : ""));
        }

        return new Axis(label, Math.Log2, distinct[0] / spread, distinct[^1] * spread, ticks);
    }

    /// <summary>Percentiles by their distance from 100: each further nine takes the same room.</summary>
    internal static Axis Tail(string label, double highest)
    {
        double[] marks = [0, 50, 90, 99, 99.9, 99.99, 99.999, 99.9999];
        double[] shown = [.. marks.TakeWhile((mark, index) => index < 4 || marks[index - 1] < highest)];
        return new Axis(label, percentile => -Math.Log10(Math.Max(1 - percentile / 100, 1e-9)), 0, shown[^1],
            [.. shown.Select(mark => new Tick(mark, mark.ToString(CultureInfo.InvariantCulture)))]);
    }

    /// <summary>As <see cref="Tail"/> up to 99.9; all of them, infinitely far out there, lie where 99.99 would.</summary>
    internal static Axis TailToAll(string label)
    {
        double[] marks = [0, 50, 90, 99, 99.9, 100];
        return new Axis(label, percentile => -Math.Log10(Math.Max(1 - percentile / 100, 1e-4)), 0, 100,
            [.. marks.Select(mark => new Tick(mark, mark.ToString(CultureInfo.InvariantCulture)))]);
    }
}
