namespace PcieOe.Host.Bench;

/// <summary>
/// Draws the commands of a workload that follows a pattern: which unit each is about, whether it writes, and how long after the one
/// before it starts. The same seed draws the same. On the worker's thread; nothing allocates.
/// </summary>
/// <param name="units">Blocks of the workload's size that its working set has.</param>
/// <param name="verifier">Knows which units have a command under way; for <see cref="WorkloadPattern.Verify"/>.</param>
internal sealed class CommandDraw(WorkloadOptions options, long units, WorkloadVerifier? verifier)
{
    private readonly double _intervalNanoseconds = options.RatePerSecond > 0 ? 1e9 / options.RatePerSecond : 0;
    private FastRandom _random = new(options.Seed);
    private long _sequential;

    /// <summary>Open loop: commands have times of their own.</summary>
    internal bool IsPaced => _intervalNanoseconds > 0;

    /// <summary>Nanoseconds from one start to the next, where <see cref="IsPaced"/>.</summary>
    internal double NextGap() => options.IsPoisson ? -Math.Log(_random.NextDouble()) * _intervalNanoseconds : _intervalNanoseconds;

    /// <summary>The unit of the next command, and what it does with it.</summary>
    internal long NextUnit(out bool isWrite)
    {
        switch (options.Pattern)
        {
            case WorkloadPattern.SequentialRead or WorkloadPattern.SequentialWrite:
                isWrite = options.Pattern == WorkloadPattern.SequentialWrite;
                long unit = _sequential;
                _sequential = unit + 1 == units ? 0 : unit + 1;
                return unit;
            case WorkloadPattern.Verify:
                isWrite = (_random.Next() & 1) != 0;
                return verifier!.NextIdle(_random.Below(units));
            default:
                isWrite = options.Pattern == WorkloadPattern.RandomWrite
                    || (options.Pattern == WorkloadPattern.RandomMix && _random.Below(100) >= options.ReadPercent);
                return _random.Below(units);
        }
    }
}
