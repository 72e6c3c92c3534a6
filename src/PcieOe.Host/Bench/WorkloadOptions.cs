using PcieOe.Host.Bench.Traces;

namespace PcieOe.Host.Bench;

/// <summary>What a workload does with each command.</summary>
public enum WorkloadPattern : byte
{
    SequentialRead,
    SequentialWrite,
    RandomRead,
    RandomWrite,

    /// <summary>Random reads and writes, as many of each as <see cref="WorkloadOptions.ReadPercent"/> says.</summary>
    RandomMix,

    /// <summary>Random reads and writes whose data is checked: every block read must hold what was last written to it.</summary>
    Verify,

    /// <summary>The commands of <see cref="WorkloadOptions.Trace"/>, each at its time.</summary>
    Replay,

    /// <summary>Memory reads of the host: of a register, or of the controller's memory. This and what follows are single TLPs, one at a time.</summary>
    RegisterRead,

    /// <summary>Memory writes of the host, each with a register read behind it that tells when it has arrived.</summary>
    RegisterWrite,

    /// <summary>Memory reads of the device, from the host's memory.</summary>
    DmaRead,

    /// <summary>Memory writes of the device, to the host's memory.</summary>
    DmaWrite,
}

/// <summary>One workload of the built-in driver.</summary>
public sealed record WorkloadOptions
{
    // A multiple of every block size that namespaces have.
    private const int BufferGranularity = 4096;

    public required WorkloadPattern Pattern { get; init; }

    /// <summary>Bytes moved by a command: a multiple of the namespace's block size.</summary>
    public int BlockBytes { get; init; } = 4096;

    public int QueueDepth { get; init; } = 1;

    public double Seconds { get; init; } = 2;

    /// <summary>Commands to do at the most; 0 for as many as the time allows.</summary>
    public long MaximumCommands { get; init; }

    /// <summary>The part of the namespace that is used, from its start; the whole of it where it is smaller.</summary>
    public long WorkingSetBytes { get; init; } = 256L << 20;

    public int ReadPercent { get; init; } = 70;

    /// <summary>Commands a second, started on time whether or not earlier ones are done (open loop); 0: as fast as the depth allows.</summary>
    public double RatePerSecond { get; init; }

    /// <summary>With a rate: gaps drawn from an exponential distribution rather than equal ones.</summary>
    public bool IsPoisson { get; init; }

    public ulong Seed { get; init; } = 1;

    /// <summary>With <see cref="WorkloadPattern.Replay"/>: what is started when. <see cref="BlockBytes"/> is then room for its longest command.</summary>
    internal ArrivalTrace? Trace { get; init; }

    /// <summary>One command in so many is timed at every hop; 0: none, null: as the daemon is configured.</summary>
    public int? SampleEvery { get; init; }

    /// <summary>The name by which fio and the reports call the pattern.</summary>
    public string PatternName => Pattern switch
    {
        WorkloadPattern.SequentialRead => "read",
        WorkloadPattern.SequentialWrite => "write",
        WorkloadPattern.RandomRead => "randread",
        WorkloadPattern.RandomWrite => "randwrite",
        WorkloadPattern.RandomMix => "randrw",
        WorkloadPattern.Replay => "replay",
        WorkloadPattern.RegisterRead => "regread",
        WorkloadPattern.RegisterWrite => "regwrite",
        WorkloadPattern.DmaRead => "dmaread",
        WorkloadPattern.DmaWrite => "dmawrite",
        _ => "verify",
    };

    /// <summary>Not commands but single memory requests.</summary>
    public bool IsSingleTlps => AreSingleTlps(Pattern);

    /// <summary>A replay of a trace: it ends when all of it has completed.</summary>
    /// <param name="depth">Commands that may be under way; what comes beyond starts late, and its latency counts from its time all the same.</param>
    internal static WorkloadOptions Replay(ArrivalTrace trace, int depth) => new()
    {
        Pattern = WorkloadPattern.Replay,
        Trace = trace,
        BlockBytes = (trace.Commands.Max(command => command.Bytes) + BufferGranularity - 1) / BufferGranularity * BufferGranularity,
        QueueDepth = depth,
        Seconds = Math.Max(trace.Seconds, 0.001),
        WorkingSetBytes = long.MaxValue,
    };

    /// <summary>All that <see cref="TryParsePattern"/> knows.</summary>
    public const string PatternNames = "read, write, randread, randwrite, randrw, verify, regread, regwrite, dmaread, dmawrite";

    public static bool TryParsePattern(string? name, out WorkloadPattern pattern)
    {
        WorkloadPattern? found = name switch
        {
            "read" => WorkloadPattern.SequentialRead,
            "write" => WorkloadPattern.SequentialWrite,
            "randread" => WorkloadPattern.RandomRead,
            "randwrite" => WorkloadPattern.RandomWrite,
            "randrw" or "rw" => WorkloadPattern.RandomMix,
            "verify" => WorkloadPattern.Verify,
            "regread" => WorkloadPattern.RegisterRead,
            "regwrite" => WorkloadPattern.RegisterWrite,
            "dmaread" => WorkloadPattern.DmaRead,
            "dmawrite" => WorkloadPattern.DmaWrite,
            _ => null,
        };
        pattern = found.GetValueOrDefault();
        return found is not null;
    }

    public static bool AreSingleTlps(WorkloadPattern pattern) => pattern >= WorkloadPattern.RegisterRead;
}
