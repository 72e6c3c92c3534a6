using System.Diagnostics;
using System.Text.Json.Nodes;
using PcieOe.Cli.Lab;
using PcieOe.Daemon.Control;
using Xunit;

namespace PcieOe.Guest.Tests.Harness;

/// <summary>
/// A target and host agents as processes of their own, in namespaces joined by raw Ethernet, with a vfio-user socket for each function.
/// The test skips where the machine allows no namespaces or has no guests.
/// </summary>
internal sealed class GuestLab : IDisposable
{
    private const int Mtu = 9000;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly NetworkLab _network;
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("pcieoe-guest-tests-");
    private readonly List<string> _log = [];
    private readonly List<NetworkNamespace> _further = [];
    private readonly JsonObject _target;
    private Process? _targetProcess;

    /// <param name="functions">The target's functions, as its configuration has them; their names are f0, f1 and so on.</param>
    /// <param name="isBridged">The target's interface is a bridge, to which further boxes can be joined.</param>
    public GuestLab(IReadOnlyList<JsonObject> functions, bool isBridged = false)
    {
        GuestRig.Require();
        try
        {
            _network = NetworkLab.Create(Mtu);
        }
        catch (LabException refusal)
        {
            Assert.Skip(refusal.Message);
            throw;
        }

        if (isBridged)
        {
            RunIp("link add br0 mtu 9000 type bridge");
            RunIp("link set br0 up");
            RunIp($"link set {NetworkLab.InterfaceName} master br0");
        }

        JsonArray list = [];
        for (int i = 0; i < functions.Count; i++)
        {
            functions[i]["name"] = $"f{i}";
            list.Add(functions[i]);
        }

        _target = Daemon("target", isBridged ? "br0" : NetworkLab.InterfaceName);
        _target["functions"] = list;
    }

    /// <summary>A function without a memory buffer, which guests would not use, on a medium in memory.</summary>
    public static JsonObject MemoryFunction(string size) => new() { ["media"] = new JsonObject { ["size"] = size } };

    /// <summary>The same on a file that outlives the target.</summary>
    public static JsonObject FileFunction(string size, string path) =>
        new() { ["media"] = new JsonObject { ["size"] = size, ["path"] = path } };

    public string PathOf(string name) => Path.Combine(_directory.FullName, name);

    public void StartTarget() => _targetProcess = Start(_network.First, "pcieoe-target", _target);

    /// <summary>As a power cut would end it.</summary>
    public void KillTarget()
    {
        _targetProcess!.Kill();
        _targetProcess.WaitForExit();
    }

    /// <summary>Starts a host agent that serves a function on a socket, and waits until it does. Gives the socket.</summary>
    public string StartHost(int function, bool mapsDoorbells = false)
    {
        NetworkNamespace place = function == 0 ? _network.Second : JoinFurther(function);
        string socket = PathOf($"vfio{function}.sock");
        JsonObject host = Daemon($"host{function}", NetworkLab.InterfaceName);
        host["attachments"] = new JsonArray(new JsonObject
        {
            ["target"] = "target",
            ["function"] = $"f{function}",
            ["frontends"] = new JsonArray(new JsonObject { ["vfioUser"] = socket, ["mappedDoorbells"] = mapsDoorbells }),
        });
        Start(place, "pcieoe-host", host);
        WaitUntil(() => (string?)Attachment(function)?["state"] == "up", "the host agent to attach its function");
        return socket;
    }

    /// <summary>Takes the target's end of the cable down, or up again.</summary>
    public void SetLink(bool isUp) => _network.First.Run(() => RouteNetlink.SetUp(NetworkLab.InterfaceName, isUp));

    /// <summary>What a host agent says of its attachment; null while it does not answer.</summary>
    public JsonNode? Attachment(int function)
    {
        try
        {
            using CancellationTokenSource limit = new(TimeSpan.FromSeconds(5));
            JsonObject answer = ControlClient.AskAsync(PathOf($"host{function}.ctl"), new JsonObject { ["command"] = "status" }, null, limit.Token).GetAwaiter().GetResult();
            return answer["attachments"]?[0] ?? answer["status"]?["attachments"]?[0];
        }
        catch (IOException)
        {
            return null;
        }
    }

    public static GuestRun Boot(string script, string socket, int timeoutSeconds, IEnumerable<string>? options = null, params string[] arguments) =>
        GuestRig.Start(script, ["--vfio-user", socket, "--timeout", $"{timeoutSeconds}", .. options ?? []], arguments);

    public void Dispose()
    {
        if (TestContext.Current.TestState?.Result == TestResult.Failed)
        {
            TestContext.Current.TestOutputHelper?.WriteLine(string.Join('\n', _log));
        }

        _network.Dispose();
        _further.ForEach(place => place.Dispose());
        _directory.Delete(recursive: true);
    }

    private JsonObject Daemon(string name, string interfaceName) => new()
    {
        ["name"] = name,
        ["insecure"] = true,
        ["controlSocket"] = PathOf($"{name}.ctl"),
        ["port"] = new JsonObject { ["interface"] = interfaceName },
    };

    private Process Start(NetworkNamespace place, string program, JsonObject configuration)
    {
        string path = PathOf($"{configuration["name"]}.json");
        File.WriteAllText(path, configuration.ToJsonString());
        Process process = _network.Start(place, new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, program))
        {
            ArgumentList = { "--config", path },
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        });
        process.OutputDataReceived += (_, line) => Note(line.Data);
        process.ErrorDataReceived += (_, line) => Note(line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;
    }

    private NetworkNamespace JoinFurther(int number)
    {
        NetworkNamespace place = NetworkNamespace.Create($"further {number}");
        _further.Add(place);
        string ourEnd = $"further{number}";
        _network.First.Run(() => RouteNetlink.CreateVirtualEthernetPair(ourEnd, NetworkLab.InterfaceName, place.Descriptor, Mtu));
        RunIp($"link set {ourEnd} master br0");
        RunIp($"link set {ourEnd} up");
        place.Run(() => RouteNetlink.SetUp(NetworkLab.InterfaceName, true));
        return place;
    }

    private void RunIp(string arguments)
    {
        ProcessStartInfo start = new("ip");
        foreach (string argument in arguments.Split(' '))
        {
            start.ArgumentList.Add(argument);
        }

        using Process process = _network.First.Start(start);
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"ip {arguments}: exit code {process.ExitCode}");
    }

    private void WaitUntil(Func<bool> condition, string what)
    {
        long end = Environment.TickCount64 + (long)Patience.TotalMilliseconds;
        using ManualResetEventSlim never = new();
        while (!condition())
        {
            Assert.True(Environment.TickCount64 < end, $"waited in vain for {what}:\n{string.Join('\n', _log)}");
            never.Wait(50);
        }
    }

    private void Note(string? line)
    {
        if (line is not null)
        {
            lock (_log)
            {
                _log.Add(line);
            }
        }
    }
}
