using System.Diagnostics;
using System.Text.Json.Nodes;
using PcieOe.Cli.Lab;
using PcieOe.Daemon.Configuration;
using PcieOe.Daemon.Control;
using Xunit;

namespace PcieOe.System.Tests;

/// <summary>Two boxes, and daemons started in them with configurations that a test writes.</summary>
internal sealed class DaemonFixture : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private readonly NetworkLab _lab;
    private readonly string _folder = Directory.CreateTempSubdirectory("pcieoe-daemons-").FullName;

    internal DaemonFixture()
    {
        if (!Environment.IsPrivilegedProcess)
        {
            Assert.Skip("Network namespaces and raw sockets take root.");
        }

        _lab = NetworkLab.Create(9000);
    }

    internal const string InterfaceName = NetworkLab.InterfaceName;

    internal string Key { get; } = KeySettings.Create();

    internal string PathOf(string name) => Path.Combine(_folder, name);

    internal JsonObject TargetConfiguration(params string[] hosts) => new()
    {
        ["name"] = "flashbox",
        ["port"] = new JsonObject { ["interface"] = NetworkLab.InterfaceName },
        ["controlSocket"] = PathOf("target.sock"),
        ["leaseSeconds"] = 300,
        ["hosts"] = new JsonArray([.. hosts.Select(host => (JsonNode)new JsonObject { ["name"] = host, ["key"] = Key })]),
        ["functions"] = new JsonArray(new JsonObject { ["name"] = "flash0", ["media"] = new JsonObject { ["size"] = "64MiB" } }),
    };

    internal JsonObject HostConfiguration(string name, string? key = null) => new()
    {
        ["name"] = name,
        ["port"] = new JsonObject { ["interface"] = NetworkLab.InterfaceName },
        ["controlSocket"] = PathOf($"{name}.sock"),
        ["attachments"] = new JsonArray(new JsonObject { ["function"] = "flash0", ["target"] = "flashbox", ["key"] = key ?? Key }),
    };

    internal Process StartTarget(JsonObject configuration) => Start(_lab.First, "pcieoe-target", configuration);

    internal Process StartHost(JsonObject configuration) => Start(_lab.Second, "pcieoe-host", configuration);

    internal Process StartTargetWith(params string[] arguments) => StartTargetWith(arguments, new Dictionary<string, string?>());

    internal Process StartTargetWith(string[] arguments, IReadOnlyDictionary<string, string?> environment)
    {
        ProcessStartInfo start = new(ProgramRun.PathOf("pcieoe-target"), arguments);
        foreach ((string name, string? value) in environment)
        {
            start.Environment[name] = value;
        }

        return _lab.Start(_lab.First, start);
    }

    internal Process StartHostWith(params string[] arguments) => _lab.Start(_lab.Second, new ProcessStartInfo(ProgramRun.PathOf("pcieoe-host"), arguments));

    /// <summary>Runs a target that is to end by itself.</summary>
    internal (int ExitCode, string Errors) RunTarget(params string[] arguments)
    {
        Process process = _lab.Start(_lab.First, new ProcessStartInfo(ProgramRun.PathOf("pcieoe-target"), arguments) { RedirectStandardError = true });
        string errors = process.StandardError.ReadToEnd();
        Assert.True(process.WaitForExit(Limit));
        return (process.ExitCode, errors);
    }

    /// <summary>Runs a program in the host's box to its end.</summary>
    internal int RunBesideTheHost(string program, params string[] arguments)
    {
        Process process = _lab.Start(_lab.Second, new ProcessStartInfo(ProgramRun.PathOf(program), arguments));
        Assert.True(process.WaitForExit(Limit));
        return process.ExitCode;
    }

    /// <summary>A host in the target's own box would not hear it: each host needs an interface, and these share one, so one at a time.</summary>
    internal JsonObject Ask(string socket, JsonObject request) =>
        ControlClient.AskAsync(PathOf(socket), request, null, new CancellationTokenSource(Limit).Token).GetAwaiter().GetResult();

    internal JsonObject Status(string socket) => Ask(socket, new JsonObject { ["command"] = "status" });

    /// <summary>Asks for the status until it is as wanted, or the limit is over.</summary>
    internal JsonObject WaitFor(string socket, Func<JsonObject, bool> condition)
    {
        Stopwatch watch = Stopwatch.StartNew();
        JsonObject? last = null;
        while (watch.Elapsed < Limit)
        {
            try
            {
                last = Status(socket);
                if (condition(last))
                {
                    return last;
                }
            }
            catch (IOException)
            {
                // Not listening yet.
            }
        }

        throw new TimeoutException($"{socket} never came to the state wanted. Its last status: {last?.ToJsonString()}");
    }

    internal static string? StateOf(JsonObject hostStatus) => hostStatus["attachments"]![0]!["state"]!.GetValue<string>();

    internal static string ProblemOf(JsonObject hostStatus) => hostStatus["attachments"]![0]!["problem"]?.GetValue<string>() ?? string.Empty;

    public void Dispose()
    {
        _lab.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private Process Start(NetworkNamespace place, string program, JsonObject configuration)
    {
        string file = PathOf($"{configuration["name"]}.json");
        File.WriteAllText(file, configuration.ToJsonString());
        return _lab.Start(place, new ProcessStartInfo(ProgramRun.PathOf(program), ["--config", file]));
    }
}
