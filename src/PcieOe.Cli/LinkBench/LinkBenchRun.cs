using PcieOe.Cli.Lab;
using PcieOe.Cli.Reports;
using PcieOe.Transport.Histograms;

namespace PcieOe.Cli.LinkBench;

/// <summary>What to measure and for how long.</summary>
internal sealed record LinkBenchOptions
{
    public int MaximumTransmissionUnit { get; init; } = 9000;

    public int Rounds { get; init; } = 7;

    /// <summary>Of each measurement.</summary>
    public int Milliseconds { get; init; } = 400;
}

/// <summary>
/// Measures the raw port and the link beside it, in turns: the machine's mood (which cores, what else runs) changes from second to second,
/// and so falls on all kinds alike. The first turn only warms up.
/// </summary>
internal sealed class LinkBenchRun
{
    private const int SmallBytes = 64;
    private const int BlockBytes = 4096;
    private const int ManySessions = 32;

    private readonly LinkBenchOptions _options;
    private readonly Measurement[] _measurements;

    internal LinkBenchRun(LinkBenchOptions options)
    {
        _options = options;
        BenchOrder floor = new() { Scenario = BenchScenario.FloorRoundTrip, Milliseconds = options.Milliseconds, RequestBytes = SmallBytes, ReplyBytes = SmallBytes };
        BenchOrder link = floor with { Scenario = BenchScenario.LinkRoundTrip };
        BenchOrder flood = floor with { Scenario = BenchScenario.FloorFlood, RequestBytes = options.MaximumTransmissionUnit };
        BenchOrder linkFlood = floor with { Scenario = BenchScenario.LinkFlood };
        _measurements =
        [
            FloorRoundTrip = new(floor),
            LinkRoundTrip = new(link),
            FloorFlood = new(flood),
            LinkFlood = new(linkFlood),
            ManyFlood = new(linkFlood with { Sessions = ManySessions }),
            FloorBlock = new(floor with { ReplyBytes = Math.Min(BlockBytes, options.MaximumTransmissionUnit) }),
            KeyedRoundTrip = new(link with { IsKeyed = true }),
            KeyedFlood = new(linkFlood with { IsKeyed = true }),
        ];
    }

    /// <summary>How many measurements there will be.</summary>
    internal int Steps => _measurements.Length * (_options.Rounds + 1);

    private Measurement FloorRoundTrip { get; }

    private Measurement FloorBlock { get; }

    private Measurement FloorFlood { get; }

    private Measurement LinkRoundTrip { get; }

    private Measurement LinkFlood { get; }

    private Measurement ManyFlood { get; }

    private Measurement KeyedRoundTrip { get; }

    private Measurement KeyedFlood { get; }

    /// <exception cref="LabException">The lab cannot be set up, or a measurement failed.</exception>
    internal LinkBenchReport Run(Action onStep, CancellationToken cancellation)
    {
        using NetworkLab lab = NetworkLab.Create(_options.MaximumTransmissionUnit);
        using CancellationTokenRegistration registration = cancellation.Register(lab.EndProcesses);
        BenchPair pair = new(lab);
        for (int round = 0; round <= _options.Rounds; round++)
        {
            foreach (Measurement measurement in _measurements)
            {
                cancellation.ThrowIfCancellationRequested();
                (BenchOutcome initiator, BenchOutcome responder) = pair.Measure(measurement.Order);
                if (round > 0)
                {
                    measurement.Add(initiator, responder);
                }

                onStep();
            }
        }

        return Report();
    }

    private LinkBenchReport Report()
    {
        double floorMicroseconds = FloorRoundTrip.RoundTrip.P50Microseconds;
        double flood = FloorFlood.Gigabits;
        return new LinkBenchReport
        {
            MaximumTransmissionUnit = _options.MaximumTransmissionUnit,
            Rounds = _options.Rounds,
            Floor = new FloorResult
            {
                RoundTrip64 = FloorRoundTrip.RoundTrip,
                RoundTrip64To4096 = FloorBlock.RoundTrip,
                FloodGigabitsPerSecond = Math.Round(flood, 3),
            },
            Link = Figures(LinkRoundTrip, LinkFlood, floorMicroseconds, flood),
            Keyed = Figures(KeyedRoundTrip, KeyedFlood, floorMicroseconds, flood),
            Sessions32 = Figures(null, ManyFlood, floorMicroseconds, LinkFlood.Gigabits),
        };
    }

    private static LinkFigures Figures(Measurement? roundTrip, Measurement flood, double floorMicroseconds, double floodGigabits) => new()
    {
        RoundTrip = roundTrip?.RoundTrip,
        RoundTripRatio = roundTrip is null ? null : Math.Round(roundTrip.RoundTrip.P50Microseconds / floorMicroseconds, 3),
        PayloadGigabitsPerSecond = Math.Round(flood.Gigabits, 3),
        TlpGigabitsPerSecond = Math.Round(flood.TlpGigabits, 3),
        PayloadRatio = Math.Round(flood.Gigabits / floodGigabits, 3),
        RetransmittedFrames = flood.Losses + (roundTrip?.Losses ?? 0),
        AllocatedBytes = flood.AllocatedBytes + (roundTrip?.AllocatedBytes ?? 0),
    };

    /// <summary>All turns of one kind of measurement.</summary>
    private sealed class Measurement(BenchOrder order)
    {
        private readonly List<(BenchOutcome Initiator, BenchOutcome Responder)> _outcomes = [];

        internal BenchOrder Order => order;

        /// <summary>The turn whose median is the median of all turns' medians.</summary>
        internal LatencySummary RoundTrip => _outcomes.Select(outcome => outcome.Initiator.RoundTrip!).OrderBy(summary => summary.P50Microseconds)
            .ElementAt(_outcomes.Count / 2);

        internal double Gigabits => Median(outcome => outcome.Responder.GigabitsPerSecond);

        internal double TlpGigabits => Median(outcome => outcome.Responder.TlpGigabitsPerSecond);

        internal long Losses => _outcomes.Sum(outcome => outcome.Initiator.Losses);

        internal long AllocatedBytes => _outcomes.Sum(outcome => outcome.Initiator.AllocatedBytes + outcome.Responder.AllocatedBytes);

        internal void Add(BenchOutcome initiator, BenchOutcome responder) => _outcomes.Add((initiator, responder));

        private double Median(Func<(BenchOutcome Initiator, BenchOutcome Responder), double> select) =>
            _outcomes.Select(select).Order().ElementAt(_outcomes.Count / 2);
    }
}
