using PcieOe.Cli.Reports;
using PcieOe.Host.Bench;
using PcieOe.Protocol.Hops;
using PcieOe.Transport.Histograms;
using PcieOe.Transport.Hops;

namespace PcieOe.Cli.Tests.Reports;

/// <summary>Runs made up for tests: every kind of workload that a report draws, with drawn (seeded) latencies.</summary>
internal static class SampleRun
{
    internal static RunReport Complete() => new()
    {
        Started = new DateTimeOffset(2030, 1, 2, 3, 4, 5, TimeSpan.Zero),
        Machine = new MachineDescription { Processor = "A <processor> & more", Cores = 2, MemoryGibibytes = 24, Kernel = "6.1", Runtime = ".NET 10" },
        Path = new PathDescription { MaximumTransmissionUnit = 9000 },
        Floor = new FloorResult { RoundTrip64 = Summary(5, 1000), RoundTrip64To4096 = Summary(6, 1000), FloodGigabitsPerSecond = 18 },
        Workloads =
        [
            .. from pattern in (string[])["randread", "randwrite"] from depth in (int[])[1, 8, 32, 128] select Workload(pattern, 4096, depth, 10 * depth),
            .. from size in (int[])[65536, 131072] from pattern in (string[])["read", "write"] from depth in (int[])[1, 32] select Workload(pattern, size, depth, 40 * depth),
            Workload("randrw", 4096, 32, 300) with { ReadPercent = 70 },
            Workload("randrw", 4096, 32, 310) with { Name = "randrw50-4k-qd32", ReadPercent = 50 },
            .. ((double[])[0.25, 0.5, 0.9, 1.1]).Select(part => Workload("randread", 4096, 256, 20 / (1.2 - part)) with
            {
                Name = FormattableString.Invariant($"randread-4k-qd256-r{100_000 * part:F0}"),
                RatePerSecond = 100_000 * part,
                Arrivals = "poisson",
                CommandsPerSecond = Math.Min(100_000 * part, 98_000),
            }),
            Workload("randread", 4096, 1, 17) with { Name = "randread-4k-qd1-keyed", Variant = "keyed" },
        ],
        Outage = new OutageResult { OutageSeconds = 10, RecoveredAfterSeconds = 0.1, VerifiedBlocks = 1000, TargetKilled = new OutageResult { VerifiedBlocks = 7 } },
        Hosts = new HostsResult { Hosts = [new HostShare { Name = "host0", CommandsPerSecond = 5 }], Fairness = 1 },
        Notes = ["Something to know."],
    };

    internal static WorkloadResult Workload(string pattern, int bytes, int depth, double typicalMicroseconds, int seed = 1)
    {
        Random random = new(seed);
        using LatencyHistogram all = new();
        List<string> intervals = [];
        for (int i = 0; i < 5; i++)
        {
            using LatencyHistogram interval = new();
            for (int j = 0; j < 2000; j++)
            {
                double normal = Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
                interval.Record((long)(1000 * typicalMicroseconds * Math.Exp(0.15 * normal) * (random.Next(500) == 0 ? 30 : 1)));
            }

            all.Add(interval);
            intervals.Add(Encode(interval));
        }

        LatencySummary latency = LatencySummary.Of(all);
        double rate = depth * 1e6 / latency.MeanMicroseconds;
        return new WorkloadResult
        {
            Name = $"{pattern}-{bytes / 1024}k-qd{depth}",
            Pattern = pattern,
            BlockBytes = bytes,
            QueueDepth = depth,
            Seconds = 1,
            Commands = all.Count,
            CommandsPerSecond = rate,
            GigabitsPerSecond = rate * bytes * 8 / 1e9,
            Latency = latency,
            Hops = [.. HopNames.All.Select((name, index) => Hop(name, latency.MeanMicroseconds * (index + 1) / 110))],
            EndToEnd = Hop("end-to-end", latency.MeanMicroseconds) with { Histogram = Encode(all), Intervals = intervals },
            ResidualMicroseconds = latency.MeanMicroseconds * 0.045,
            HopParts = [.. from hop in (string[])["wire-out", "wire-back"] from part in (string[])["kernel", "daemon"] select Hop(part, latency.MeanMicroseconds * (hop == "wire-out" ? 4 : 12) / 220) with { Hop = hop }],
            HopsByLabel =
            [
                new LabelledHopsResult { Tenant = "t<1>", Class = 1, Opcode = 2, SizeBytes = bytes, Sampled = 590, EndToEnd = Hop("end-to-end", latency.MeanMicroseconds) },
                new LabelledHopsResult { Tenant = "t<1>", Class = 1, Opcode = 2, SizeBytes = bytes, Sampled = 10, IsRetransmitted = true },
            ],
            Sampled = 600,
            SampleEvery = 16,
            Clock = new ClockSummary { Source = "shared" },
            Slowest = [new SlowCommand { EndedAtSeconds = 0.5, EndToEndMicroseconds = 99, Opcode = 2, Bytes = bytes, HopMicroseconds = [.. HopNames.All.Select((_, index) => (double)index)] }],
            Histogram = Encode(all),
            Intervals = new IntervalResult { Seconds = 0.2, Histograms = intervals },
        };
    }

    private static HopSummary Hop(string name, double mean) => new()
    {
        Name = name,
        Count = 600,
        MeanMicroseconds = mean,
        P50Microseconds = mean,
        P99Microseconds = 2 * mean,
        P999Microseconds = 3 * mean,
        MaximumMicroseconds = 9 * mean,
    };

    private static LatencySummary Summary(double microseconds, long count) => new()
    {
        Count = count,
        MeanMicroseconds = microseconds,
        P50Microseconds = microseconds,
        P99Microseconds = 2 * microseconds,
        MaximumMicroseconds = 100 * microseconds,
    };

    private static string Encode(LatencyHistogram histogram) => Convert.ToBase64String(HistogramEncoding.EncodeCompressed(histogram));
}
