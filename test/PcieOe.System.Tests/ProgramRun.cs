using System.Diagnostics;
using System.Text;

namespace PcieOe.System.Tests;

/// <summary>One run of one of the programs as a user would start it: what it said, and how it ended.</summary>
internal sealed class ProgramRun : IDisposable
{
    private readonly Process _process;
    private readonly StringBuilder _output = new();
    private readonly StringBuilder _errors = new();

    private ProgramRun(Process process)
    {
        _process = process;
        process.OutputDataReceived += (_, line) => Append(_output, line.Data);
        process.ErrorDataReceived += (_, line) => Append(_errors, line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    internal string Output => Read(_output);

    internal string Errors => Read(_errors);

    internal int ProcessId => _process.Id;

    internal bool HasEnded => _process.HasExited;

    internal static string PathOf(string program) => Path.Combine(AppContext.BaseDirectory, program);

    internal static ProgramRun Start(string program, params string[] arguments)
    {
        ProcessStartInfo start = new(PathOf(program), arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        return new ProgramRun(Process.Start(start)!);
    }

    /// <summary>Runs a program to its end; one that takes longer than allowed is killed and fails the test.</summary>
    internal static (int ExitCode, string Output, string Errors) Complete(TimeSpan limit, string program, params string[] arguments)
    {
        using ProgramRun run = Start(program, arguments);
        int exitCode = run.WaitForExit(limit);
        return (exitCode, run.Output, run.Errors);
    }

    internal int WaitForExit(TimeSpan limit)
    {
        if (!_process.WaitForExit(limit))
        {
            _process.Kill(entireProcessTree: true);
            throw new TimeoutException($"Not ended after {limit.TotalSeconds:F0} s. It said:\n{Output}\n{Errors}");
        }

        // Once more without a limit: only this waits for the last lines.
        _process.WaitForExit();
        return _process.ExitCode;
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
        }

        _process.Dispose();
    }

    private static void Append(StringBuilder builder, string? line)
    {
        lock (builder)
        {
            builder.AppendLine(line);
        }
    }

    private static string Read(StringBuilder builder)
    {
        lock (builder)
        {
            return builder.ToString();
        }
    }
}
