using System.Globalization;

namespace PcieOe.Host.Bench.Traces;

/// <summary>A command of a trace.</summary>
/// <param name="ArrivalNanoseconds">Counted from the trace's first command.</param>
internal readonly record struct TraceCommand(long ArrivalNanoseconds, long OffsetBytes, int Bytes, bool IsWrite);

/// <summary>
/// Arrivals as a file has them: a line for each command, <c>seconds,operation,offset,bytes</c>, with "read" or "write" (or r, w) for
/// the operation, seconds from any beginning, offset and bytes in bytes. A first line of names, empty lines and lines that begin with #
/// are passed over. Any order; here they stand in that of their time.
/// </summary>
internal sealed class ArrivalTrace
{
    internal const int MaximumCommands = 4_000_000;
    internal const int MaximumBytes = 1 << 20;
    private const double MaximumSeconds = 86_400;

    private ArrivalTrace(TraceCommand[] commands)
    {
        Commands = commands;
    }

    /// <summary>At least one.</summary>
    internal TraceCommand[] Commands { get; }

    /// <summary>From the first arrival to the last.</summary>
    internal double Seconds => Commands[^1].ArrivalNanoseconds / 1e9;

    /// <exception cref="TraceException">The file cannot be read, or is no trace; the message names the line.</exception>
    internal static ArrivalTrace Load(string path)
    {
        try
        {
            using StreamReader reader = new(path);
            return Read(reader, path);
        }
        catch (Exception exception) when (exception is (IOException or UnauthorizedAccessException) and not TraceException)
        {
            throw new TraceException($"The trace {path} cannot be read: {exception.Message}", exception);
        }
    }

    /// <param name="name">What messages call it.</param>
    internal static ArrivalTrace Read(TextReader reader, string name)
    {
        List<(double Seconds, TraceCommand Command)> rows = [];
        int number = 0;
        while (reader.ReadLine() is { } line)
        {
            number++;
            if (line.Length == 0 || line[0] == '#' || string.IsNullOrWhiteSpace(line))
            {
                continue;
            }

            if (!TryParse(line, out double seconds, out TraceCommand command))
            {
                if (rows.Count == 0 && line.StartsWith("seconds", StringComparison.OrdinalIgnoreCase))
                {
                    continue;
                }

                throw new TraceException($"{name}, line {number}: '{line}' is not \"seconds,operation,offset,bytes\", such as \"0.0125,read,40960,4096\" (1 to {MaximumBytes} bytes).");
            }

            if (rows.Count == MaximumCommands)
            {
                throw new TraceException($"{name} has more than {MaximumCommands} commands: cut it into pieces.");
            }

            rows.Add((seconds, command));
        }

        if (rows.Count == 0)
        {
            throw new TraceException($"{name} has no command.");
        }

        // A stable order, so that equal times keep that of the file.
        (double Seconds, TraceCommand Command)[] sorted = [.. rows.OrderBy(row => row.Seconds)];
        double first = sorted[0].Seconds;
        if (sorted[^1].Seconds - first > MaximumSeconds)
        {
            throw new TraceException($"{name} spans {sorted[^1].Seconds - first:F0} seconds, and {MaximumSeconds:F0} is the most. Are its times seconds?");
        }

        return new ArrivalTrace([.. sorted.Select(row => row.Command with { ArrivalNanoseconds = (long)Math.Round((row.Seconds - first) * 1e9) })]);
    }

    private static bool TryParse(ReadOnlySpan<char> line, out double seconds, out TraceCommand command)
    {
        command = default;
        Span<Range> parts = stackalloc Range[5];
        if (line.Split(parts, ',', StringSplitOptions.TrimEntries) != 4
            || !double.TryParse(line[parts[0]], NumberStyles.Float, CultureInfo.InvariantCulture, out seconds)
            || !double.IsFinite(seconds)
            || !TryParseOperation(line[parts[1]], out bool isWrite)
            || !long.TryParse(line[parts[2]], NumberStyles.None, CultureInfo.InvariantCulture, out long offset)
            || !int.TryParse(line[parts[3]], NumberStyles.None, CultureInfo.InvariantCulture, out int bytes)
            || bytes is < 1 or > MaximumBytes)
        {
            seconds = 0;
            return false;
        }

        command = new TraceCommand(0, offset, bytes, isWrite);
        return true;
    }

    private static bool TryParseOperation(ReadOnlySpan<char> text, out bool isWrite)
    {
        isWrite = text.Equals("write", StringComparison.OrdinalIgnoreCase) || text.Equals("w", StringComparison.OrdinalIgnoreCase);
        return isWrite || text.Equals("read", StringComparison.OrdinalIgnoreCase) || text.Equals("r", StringComparison.OrdinalIgnoreCase);
    }
}

/// <summary>A trace cannot be used; the message says where and why.</summary>
internal sealed class TraceException(string message, Exception? inner = null) : IOException(message, inner);
