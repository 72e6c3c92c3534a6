using System.Diagnostics;
using System.Text.Json.Nodes;
using PcieOe.Daemon.Control;

namespace PcieOe.Cli.Lab.Daemons;

/// <summary>One daemon of a lab: a process in a namespace, what it said last, and its control socket.</summary>
internal sealed class DaemonProcess
{
    private const int LinesKept = 30;

    private readonly Queue<string> _lines = new();
    private readonly Process _process;

    private DaemonProcess(string name, Process process, string controlSocket)
    {
        Name = name;
        _process = process;
        ControlSocket = controlSocket;
        process.OutputDataReceived += (_, line) => Keep(line.Data);
        process.ErrorDataReceived += (_, line) => Keep(line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    internal string Name { get; }

    internal string ControlSocket { get; }

    internal bool HasEnded => _process.HasExited;

    internal int ProcessId => _process.Id;

    /// <summary>Resident memory, MiB.</summary>
    internal double MemoryMebibytes
    {
        get
        {
            _process.Refresh();
            return _process.WorkingSet64 / (double)(1 << 20);
        }
    }

    internal static DaemonProcess Start(Func<ProcessStartInfo, Process> start, string program, string folder, JsonObject configuration)
    {
        string name = configuration["name"]!.GetValue<string>();
        string file = Path.Combine(folder, $"{name}.json");
        File.WriteAllText(file, configuration.ToJsonString());
        File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        string path = Path.Combine(AppContext.BaseDirectory, program);
        if (!File.Exists(path))
        {
            throw new LabException($"{path} is missing: build the whole solution ('dotnet build -c Release').");
        }

        Process process = start(new ProcessStartInfo(path, ["--config", file]) { RedirectStandardOutput = true, RedirectStandardError = true });
        return new DaemonProcess(name, process, configuration["controlSocket"]!.GetValue<string>());
    }

    /// <summary>
    /// Daemons started from now on compile their code in full at once. In tiers it becomes faster, and meanwhile the compiler takes a core
    /// for time slices on end: where what counts is that nothing is late, that is the worse bargain.
    /// </summary>
    internal static void CompileInFull() => Environment.SetEnvironmentVariable("DOTNET_TC_QuickJit", "0");

    /// <summary>Asks the daemon; a refusal or its death becomes an error with what it said last.</summary>
    internal async Task<JsonObject> AskAsync(JsonObject request, Action<JsonObject>? onProgress, CancellationToken cancellation)
    {
        JsonObject answer;
        try
        {
            answer = await ControlClient.AskAsync(ControlSocket, request, onProgress, cancellation).ConfigureAwait(false);
        }
        catch (IOException exception)
        {
            throw new LabException(HasEnded ? Epitaph() : exception.Message, exception);
        }

        return answer.Flag("ok", false) ? answer : throw new LabException($"{Name}: {answer.Text("error")}");
    }

    /// <summary>Waits until the daemon answers and says what <paramref name="isReady"/> wants to hear.</summary>
    internal async Task WaitAsync(Func<JsonObject, bool> isReady, TimeSpan limit, CancellationToken cancellation)
    {
        DateTime end = DateTime.UtcNow + limit;
        while (true)
        {
            if (HasEnded)
            {
                throw new LabException(Epitaph());
            }

            if (File.Exists(ControlSocket))
            {
                try
                {
                    JsonObject status = await ControlClient.AskAsync(ControlSocket, new JsonObject { ["command"] = "status" }, null, cancellation).ConfigureAwait(false);
                    if (isReady(status))
                    {
                        return;
                    }
                }
                catch (IOException)
                {
                    // Not listening yet.
                }
            }

            if (DateTime.UtcNow > end)
            {
                throw new LabException($"{Name} was not ready after {limit.TotalSeconds:F0} s. It said:\n{LastLines()}");
            }

            await Task.Delay(20, cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>SIGKILL, as a crash would be.</summary>
    internal void Kill()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
            _process.WaitForExit();
        }
    }

    private string Epitaph() => $"{Name} ended unexpectedly (exit code {_process.ExitCode}). It said:\n{LastLines()}";

    private string LastLines()
    {
        lock (_lines)
        {
            return string.Join('\n', _lines.Select(line => "  " + line));
        }
    }

    private void Keep(string? line)
    {
        if (line is null)
        {
            return;
        }

        lock (_lines)
        {
            _lines.Enqueue(line);
            if (_lines.Count > LinesKept)
            {
                _lines.Dequeue();
            }
        }
    }
}
