using System.Text.Json;
using System.Text.Json.Serialization;
using PcieOe.Host.Bench.Traces;
using PcieOe.Transport.Policies.NestedQos;
using PcieOe.Transport.Policies.NestedQos.Planning;

namespace PcieOe.Cli.CapacityPlans;

/// <summary>What a trace takes with and without nesting: what <c>pcieoe plan --json</c> writes (docs/report-format.md). Rates are units of 4 KiB a second.</summary>
internal sealed record CapacityPlan : ClassCapacity
{
    private static readonly double[] CurveFractions = [0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 0.999, 1];

    [JsonPropertyName("schema")]
    public string Schema { get; init; } = "pcieoe-plan/1";

    [JsonPropertyName("arrivals")]
    public int Arrivals { get; init; }

    [JsonPropertyName("seconds")]
    public double Seconds { get; init; }

    [JsonPropertyName("mean_iops")]
    public double MeanUnitsPerSecond { get; init; }

    /// <summary>In the busiest 10 ms.</summary>
    [JsonPropertyName("peak_iops")]
    public double PeakUnitsPerSecond { get; init; }

    [JsonPropertyName("classes")]
    public IReadOnlyList<PlannedClass> Classes { get; init; } = [];

    /// <summary>For each response time, what it takes to give it to more and more of the commands.</summary>
    [JsonPropertyName("curves")]
    public IReadOnlyList<CapacityCurve> Curves { get; init; } = [];

    internal static CapacityPlan Of(ArrivalTrace trace, IReadOnlyList<ClassTarget> targets)
    {
        PlannedArrival[] arrivals = [.. trace.Commands.Select(command => new PlannedArrival(command.ArrivalNanoseconds, Math.Max(1, (command.Bytes + 4095) >> 12)))];
        EnvelopeFitter fitter = new(arrivals);
        EnvelopeFit fit = fitter.Fit(targets);
        double nested = fit.Tenant.NestedCapacity;
        return new CapacityPlan
        {
            Arrivals = arrivals.Length,
            Seconds = Math.Round(trace.Seconds, 6),
            MeanUnitsPerSecond = trace.Seconds == 0 ? 0 : Math.Round(arrivals.Sum(arrival => (double)arrival.Units) / trace.Seconds, 1),
            PeakUnitsPerSecond = Math.Round(Peak(arrivals), 1),
            Classes = [.. fit.Tenant.Classes.Select((member, i) => PlannedClass.Of(member, targets[i].Fraction, fit.Fractions[i]))],
            NestedUnitsPerSecond = Math.Ceiling(nested),
            SingleClassUnitsPerSecond = Math.Ceiling(fit.SingleClassCapacity),
            Ratio = Math.Round(nested / fit.SingleClassCapacity, 4),
            Curves = [.. targets.Select(target => target.ResponseMilliseconds).Distinct().Select(response => new CapacityCurve
            {
                ResponseMilliseconds = response,
                Points = [.. CurveFractions.Select(fraction => new CapacityPoint(fraction, Math.Ceiling(fitter.LeastSingleCapacity(fraction, response))))],
            })],
        };
    }

    internal void Save(string path) => File.WriteAllText(path, JsonSerializer.Serialize(this, CapacityPlanJson.Default.CapacityPlan) + "\n");

    private static double Peak(PlannedArrival[] arrivals)
    {
        const long span = 10_000_000;
        long units = 0, most = 0;
        int oldest = 0;
        foreach (PlannedArrival arrival in arrivals)
        {
            units += arrival.Units;
            for (; arrivals[oldest].Nanoseconds <= arrival.Nanoseconds - span; oldest++)
            {
                units -= arrivals[oldest].Units;
            }

            most = Math.Max(most, units);
        }

        return most * (1e9 / span);
    }
}

/// <summary>A class as it goes into the target's configuration, and the part of the commands that it holds with the tighter ones.</summary>
internal sealed record PlannedClass
{
    [JsonPropertyName("name")]
    public string Name { get; init; } = string.Empty;

    [JsonPropertyName("burst")]
    public double BurstUnits { get; init; }

    [JsonPropertyName("rate")]
    public double UnitsPerSecond { get; init; }

    [JsonPropertyName("responseMilliseconds")]
    public double ResponseMilliseconds { get; init; }

    [JsonPropertyName("asked")]
    public double AskedFraction { get; init; }

    [JsonPropertyName("held")]
    public double HeldFraction { get; init; }

    internal static PlannedClass Of(NestedQosClassOptions options, double asked, double held) => new()
    {
        Name = options.Name,
        BurstUnits = options.BurstUnits,
        UnitsPerSecond = options.UnitsPerSecond,
        ResponseMilliseconds = options.ResponseMilliseconds,
        AskedFraction = asked,
        HeldFraction = Math.Round(held, 6),
    };
}

internal sealed record CapacityCurve
{
    [JsonPropertyName("response_ms")]
    public double ResponseMilliseconds { get; init; }

    [JsonPropertyName("points")]
    public IReadOnlyList<CapacityPoint> Points { get; init; } = [];
}

/// <summary>The least capacity at which one class gives a part of the commands the curve's response time.</summary>
internal sealed record CapacityPoint([property: JsonPropertyName("fraction")] double Fraction, [property: JsonPropertyName("iops")] double UnitsPerSecond);

[JsonSourceGenerationOptions(WriteIndented = true)]
[JsonSerializable(typeof(CapacityPlan))]
internal sealed partial class CapacityPlanJson : JsonSerializerContext;
