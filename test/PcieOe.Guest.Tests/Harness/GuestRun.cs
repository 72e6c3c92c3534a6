using System.Collections.Concurrent;
using System.Diagnostics;
using Xunit;

namespace PcieOe.Guest.Tests.Harness;

/// <summary>A guest that runs a script; its output comes line by line.</summary>
internal sealed class GuestRun : IDisposable
{
    private readonly string _script;
    private readonly Process _process;
    private readonly BlockingCollection<string> _lines = [];
    private readonly List<string> _output = [];
    private readonly List<string> _errors = [];

    public GuestRun(string script, ProcessStartInfo start)
    {
        _script = script;
        _process = Process.Start(start) ?? throw new InvalidOperationException("test/guest/run does not start.");
        _process.OutputDataReceived += (_, line) => Add(line.Data);
        _process.ErrorDataReceived += (_, line) =>
        {
            lock (_errors)
            {
                _errors.Add(line.Data ?? string.Empty);
            }
        };
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    /// <summary>Waits for a line of the script's that starts so, and gives it.</summary>
    public string WaitFor(string start)
    {
        foreach (string line in _lines.GetConsumingEnumerable())
        {
            _output.Add(line);
            if (line.StartsWith(start, StringComparison.Ordinal))
            {
                return line;
            }
        }

        Assert.Fail($"{_script} ended without '{start}':\n{Describe()}");
        return string.Empty;
    }

    /// <summary>Waits for the script's last line, DONE, and for the guest to end well. Gives all lines.</summary>
    public IReadOnlyList<string> WaitUntilDone()
    {
        WaitFor("DONE");
        _process.WaitForExit();
        Assert.True(_process.ExitCode == 0, $"{_script} ended with {_process.ExitCode}:\n{Describe()}");
        return _output;
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            // Lets the rig's own script clean up, which Kill would not.
            using Process? kill = Process.Start("kill", [_process.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)]);
            kill?.WaitForExit();
            _process.WaitForExit(TimeSpan.FromSeconds(15));
        }

        _process.Dispose();
        _lines.Dispose();
    }

    private void Add(string? line)
    {
        if (line is null)
        {
            _lines.CompleteAdding();
        }
        else
        {
            _lines.Add(line);
        }
    }

    private string Describe()
    {
        lock (_errors)
        {
            return string.Join('\n', _output.TakeLast(40).Concat(_errors));
        }
    }
}
