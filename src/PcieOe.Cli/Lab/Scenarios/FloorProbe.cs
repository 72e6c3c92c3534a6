using PcieOe.Cli.LinkBench;
using PcieOe.Cli.Reports;
using PcieOe.Transport.Histograms;

namespace PcieOe.Cli.Lab.Scenarios;

/// <summary>
/// Measures the raw port in a lab's namespaces, before and after the daemons run (never beside them: a second socket on an interface would
/// get a copy of each of their frames). The median of all rounds counts.
/// </summary>
internal sealed class FloorProbe(int mtu)
{
    private const int Rounds = 3;
    private const int Milliseconds = 250;

    private readonly List<LatencySummary> _small = [];
    private readonly List<LatencySummary> _block = [];
    private readonly List<double> _flood = [];

    internal void Measure(NetworkLab lab, ILabProgress progress, CancellationToken cancellation)
    {
        BenchPair pair = new(lab);
        BenchOrder echo = new() { Scenario = BenchScenario.FloorRoundTrip, Milliseconds = Milliseconds, RequestBytes = 64, ReplyBytes = 64 };
        for (int round = 0; round <= Rounds; round++)
        {
            cancellation.ThrowIfCancellationRequested();
            (BenchOutcome small, _) = pair.Measure(echo);
            (BenchOutcome block, _) = pair.Measure(echo with { ReplyBytes = 4096 });
            (_, BenchOutcome flood) = pair.Measure(echo with { Scenario = BenchScenario.FloorFlood, RequestBytes = mtu });
            progress.Report((round + 1.0) / (Rounds + 1));

            // The first round is for the compiler.
            if (round > 0)
            {
                _small.Add(small.RoundTrip!);
                _block.Add(block.RoundTrip!);
                _flood.Add(flood.GigabitsPerSecond);
            }
        }

        lab.EndProcesses();
    }

    internal FloorResult Result() => new()
    {
        RoundTrip64 = Median(_small),
        RoundTrip64To4096 = Median(_block),
        FloodGigabitsPerSecond = Math.Round(_flood.Order().ElementAt(_flood.Count / 2), 3),
    };

    private static LatencySummary Median(List<LatencySummary> rounds) => rounds.OrderBy(round => round.P50Microseconds).ElementAt(rounds.Count / 2);
}
