using PcieOe.Cli.Lab.Daemons;

namespace PcieOe.Cli.Lab.Scenarios;

/// <summary>What runs before anything is measured.</summary>
internal static class CharacterizePlan
{
    private const int Page = 4096;

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

    /// <summary>Runs for a moment, so that the code on both sides is compiled for speed.</summary>
    internal static BenchRequest WarmUp(LabOptions options, string pattern, int depth) => new()
    {
        Pattern = pattern,
        BlockBytes = Page,
        QueueDepth = depth,
        Seconds = 0.4,
        WorkingSetBytes = options.WorkingSetBytes,
    };
}
