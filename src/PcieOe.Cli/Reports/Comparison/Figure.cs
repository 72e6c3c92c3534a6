namespace PcieOe.Cli.Reports.Comparison;

/// <summary>What a change of a figure amounts to.</summary>
internal enum Verdict
{
    /// <summary>Within the threshold.</summary>
    Same,

    Better,

    /// <summary>A regression.</summary>
    Worse,

    /// <summary>Beyond the threshold, but not beyond what the figure varied by within one of the runs.</summary>
    WithinNoise,
}

/// <summary>One figure of a workload in two runs.</summary>
/// <param name="Name">"iops", "p50_us", "p99_us", "faults".</param>
/// <param name="NoisePercent">By how much it varied within the runs: two standard deviations of its intervals, both runs together, in percent of the first.</param>
internal sealed record Figure(string Workload, string Name, double Before, double After, double NoisePercent, Verdict Verdict)
{
    /// <summary>From the first run to the second; positive where the figure grew.</summary>
    internal double ChangePercent => Before == 0 ? (After == 0 ? 0 : double.PositiveInfinity) : 100 * (After - Before) / Before;

    /// <summary>Of a latency: the hop whose mean grew or shrank with it most, and by how much; null where hops are unknown.</summary>
    internal (string Hop, double Microseconds)? Cause { get; init; }
}
