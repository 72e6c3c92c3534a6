namespace PcieOe.Simulation;

/// <summary>Runs many seeds on several threads. A seed belongs to one thread and shares nothing with others.</summary>
public sealed class SimulationRun(SimulationOptions options)
{
    /// <summary>After so many failures more would say nothing new.</summary>
    private const int MostFailures = 5;

    private readonly Lock _lock = new();
    private readonly List<(int Seed, string What)> _failures = [];
    private int _next;
    private int _finished;

    public Totals Totals { get; } = new();

    public int Finished => Volatile.Read(ref _finished);

    /// <summary>Failed seeds, lowest first.</summary>
    public IReadOnlyList<(int Seed, string What)> Failures
    {
        get
        {
            lock (_lock)
            {
                return [.. _failures.Order()];
            }
        }
    }

    /// <summary>One seed, on this thread. Throws <see cref="SimulationFailureException"/>; returns what followed from everything that happened.</summary>
    public static ulong RunSeed(int seed, SimulationOptions options, Totals totals) => RunSeed(seed, options, totals, new FramePool());

    public void Run()
    {
        _next = options.Start;
        Thread[] threads = [.. Enumerable.Range(0, options.Threads).Select(_ => new Thread(RunSeeds))];
        Array.ForEach(threads, thread => thread.Start());
        Array.ForEach(threads, thread => thread.Join());
    }

    private static ulong RunSeed(int seed, SimulationOptions options, Totals totals, FramePool pool)
    {
        var random = new SimulationRandom(SimulationRandom.Mix((ulong)seed + 1));
        Scenario scenario = Scenario.Create(random, options.Tlps, options.Sabotage);
        using var world = new World(scenario, random, pool, totals);
        try
        {
            world.Run();
        }
        catch (SimulationFailureException failure)
        {
            throw new SimulationFailureException($"{failure.Message}\n  {world.Describe()}");
        }

        return world.Digest;
    }

    private void RunSeeds()
    {
        var totals = new Totals();
        var pool = new FramePool();
        for (int seed; (seed = Interlocked.Increment(ref _next) - 1) < options.Start + options.Seeds;)
        {
            try
            {
                RunSeed(seed, options, totals, pool);
            }
#pragma warning disable CA1031 // Whatever escapes from an engine is a finding.
            catch (Exception failure)
#pragma warning restore CA1031
            {
                pool = new FramePool();
                lock (_lock)
                {
                    _failures.Add((seed, failure is SimulationFailureException ? failure.Message : failure.ToString()));
                    if (_failures.Count >= MostFailures)
                    {
                        Volatile.Write(ref _next, int.MaxValue / 2);
                    }
                }
            }

            Interlocked.Increment(ref _finished);
        }

        lock (_lock)
        {
            Totals.Add(totals);
        }
    }
}
