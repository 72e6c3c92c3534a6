using PcieOe.Cli.Lab.Daemons;

namespace PcieOe.Cli.Lab.Scenarios;

/// <summary>What the lab characterises, path by path.</summary>
internal static class CharacterizePlan
{
    private const int Page = 4096;

    internal static IReadOnlyList<(PathOptions Path, IReadOnlyList<BenchRequest> Workloads)> Create(LabOptions options)
    {
        List<BenchRequest> clear = [];
        foreach (string pattern in (string[])["randread", "randwrite"])
        {
            clear.AddRange(((int[])[1, 8, 32, 128]).Select(depth => Workload(options, pattern, Page, depth)));
        }

        foreach (int bytes in (int[])[65536, 131072])
        {
            foreach (string pattern in (string[])["read", "write"])
            {
                clear.AddRange(((int[])[1, 32]).Select(depth => Workload(options, pattern, bytes, depth)));
            }
        }

        clear.Add(Workload(options, "randrw", Page, 32));
        clear.Add(Workload(options, "verify", Page, 32));
        List<BenchRequest> reads = [.. ((int[])[1, 32]).Select(depth => Workload(options, "randread", Page, depth))];
        return [(PathOptions.Clear, clear), (PathOptions.Keyed, reads), (PathOptions.SmallFrames, reads)];
    }

    /// <summary>Writes the whole working set once, so that reads find data and not holes.</summary>
    internal static BenchRequest Fill(LabOptions options) => new()
    {
        Pattern = "write",
        BlockBytes = 131072,
        QueueDepth = 16,
        Seconds = 60,
        Commands = options.WorkingSetBytes / 131072,
        WorkingSetBytes = options.WorkingSetBytes,
    };

    /// <summary>Runs for a moment before anything is measured, so that the code on both sides is compiled for speed.</summary>
    internal static BenchRequest WarmUp(LabOptions options, string pattern, int depth) => Workload(options, pattern, Page, depth) with { Seconds = 0.7 };

    private static BenchRequest Workload(LabOptions options, string pattern, int bytes, int depth) => new()
    {
        Pattern = pattern,
        BlockBytes = bytes,
        QueueDepth = depth,
        Seconds = options.SecondsPerWorkload,
        WorkingSetBytes = options.WorkingSetBytes,
        SampleEvery = depth == 1 ? 1 : null,
    };
}
