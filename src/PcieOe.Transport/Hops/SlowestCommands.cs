using System.Runtime.CompilerServices;
using System.Text.Json.Serialization;
using PcieOe.Protocol.Hops;

namespace PcieOe.Transport.Hops;

/// <summary>The slowest of the commands it is shown, each with all its hops. In fixed memory; one thread.</summary>
public sealed class SlowestCommands(int capacity)
{
    public const int DefaultCapacity = 10;

    private readonly TimedCommand[] _commands = new TimedCommand[capacity];
    private int _count;
    private int _fastest;

    /// <param name="endedAt">Monotonic nanoseconds.</param>
    /// <param name="hops">Nanoseconds, one for each hop.</param>
    public void Show(long whole, long endedAt, byte opcode, long dataBytes, ReadOnlySpan<long> hops)
    {
        if (_count == _commands.Length && whole <= _commands[_fastest].Whole)
        {
            return;
        }

        ref TimedCommand command = ref _commands[_count < _commands.Length ? _count++ : _fastest];
        command.Whole = whole;
        command.EndedAt = endedAt;
        command.Opcode = opcode;
        command.DataBytes = dataBytes;
        hops.CopyTo(command.Hops);
        for (int i = 0; i < _count; i++)
        {
            _fastest = _commands[i].Whole < _commands[_fastest].Whole ? i : _fastest;
        }
    }

    /// <summary>The slowest first.</summary>
    /// <param name="beganAt">What the commands' ends are counted from, monotonic nanoseconds.</param>
    public IReadOnlyList<SlowCommand> ToList(long beganAt) => [.. _commands.Take(_count).OrderByDescending(command => command.Whole).Select(command => Describe(command, beganAt))];

    private static SlowCommand Describe(TimedCommand command, long beganAt)
    {
        ReadOnlySpan<long> hops = command.Hops;
        double[] microseconds = new double[hops.Length];
        for (int i = 0; i < hops.Length; i++)
        {
            microseconds[i] = hops[i] / 1000.0;
        }

        return new SlowCommand
        {
            EndedAtSeconds = Math.Round((command.EndedAt - beganAt) / 1e9, 6),
            EndToEndMicroseconds = command.Whole / 1000.0,
            Opcode = command.Opcode,
            Bytes = command.DataBytes,
            HopMicroseconds = microseconds,
        };
    }

    [InlineArray(HopNames.Count)]
    private struct HopTimes
    {
        private long _first;
    }

    private struct TimedCommand
    {
        public long Whole;
        public long EndedAt;
        public long DataBytes;
        public byte Opcode;
        public HopTimes Hops;
    }
}

/// <summary>One of the slowest commands of a run.</summary>
public sealed record SlowCommand
{
    /// <summary>When it ended, from the workload's beginning.</summary>
    [JsonPropertyName("at_s")]
    public double EndedAtSeconds { get; init; }

    [JsonPropertyName("end_to_end_us")]
    public double EndToEndMicroseconds { get; init; }

    /// <summary>The function's own operation code (NVMe: 1 write, 2 read).</summary>
    [JsonPropertyName("opcode")]
    public int Opcode { get; init; }

    [JsonPropertyName("bytes")]
    public long Bytes { get; init; }

    /// <summary>One for each hop, in their order.</summary>
    [JsonPropertyName("hops_us")]
    public IReadOnlyList<double> HopMicroseconds { get; init; } = [];
}
