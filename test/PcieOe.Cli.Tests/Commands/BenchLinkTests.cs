using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using PcieOe.Cli.Lab;
using Xunit;

namespace PcieOe.Cli.Tests.Commands;

[Trait("Category", "System")]
public sealed class BenchLinkTests : IDisposable
{
    private readonly string _path = Path.Combine(Path.GetTempPath(), $"pcieoe-{Guid.NewGuid():N}.json");

    public BenchLinkTests() => LabPermission.Require();

    public void Dispose() => File.Delete(_path);

    [Fact]
    public void Run_Short_SavesTheFiguresAndLeavesNothing()
    {
        CommandRun run = CommandRun.Of("bench-link", "--rounds", "1", "--milliseconds", "100", "--json", _path);

        Assert.True(run.ExitCode == 0, run.Errors);
        JsonNode report = JsonNode.Parse(File.ReadAllText(_path))!;
        foreach (string key in new[]
        {
            "floor.rtt_64_us.p50", "floor.rtt_64_us.p99", "link.rtt_64_us.p50", "floor.flood_gbps", "link.payload_gbps", "link.rtt_ratio",
            "link.payload_ratio", "keyed.rtt_64_us.p50", "keyed.payload_gbps", "sessions_32.payload_gbps", "sessions_32.payload_ratio",
        })
        {
            JsonNode? node = key.Split('.').Aggregate((JsonNode?)report, (parent, name) => parent?[name]);
            Assert.True(node?.GetValue<double>() > 0, key);
        }

        Assert.Equal(9000, (int)report["mtu"]!);
    }

    [Fact]
    public void Killed_InTheMiddle_WorkersDieToo()
    {
        using Process process = Process.Start(CommandRun.Describe("bench-link", "--rounds", "1000"))!;
        List<int> workers = [];
        Assert.True(SpinWait.SpinUntil(() => (workers = ChildrenOf(process.Id)).Count == 2, 30_000), "no workers were started");

        process.Kill();

        Assert.True(SpinWait.SpinUntil(() => !workers.Exists(IsAlive), 10_000), "a worker outlived the command");
    }

    [Fact]
    public void Interrupted_InTheMiddle_EndsSoonWithItsOwnExitCode()
    {
        using Process process = Process.Start(CommandRun.Describe("bench-link", "--rounds", "1000"))!;
        List<int> workers = [];
        Assert.True(SpinWait.SpinUntil(() => (workers = ChildrenOf(process.Id)).Count == 2, 30_000), "no workers were started");

        using (Process kill = Process.Start("kill", ["-INT", process.Id.ToString(CultureInfo.InvariantCulture)]))
        {
            kill.WaitForExit();
        }

        Assert.True(process.WaitForExit(15_000), "it did not end");
        Assert.Equal(130, process.ExitCode);
        Assert.DoesNotContain(workers, IsAlive);
    }

    [Fact]
    public void Unprivileged_UserNamespaceAllowed_WorksAllTheSame()
    {
        if (ProgramPath.Find("setpriv") is not { } setpriv || ProgramPath.Find("unshare") is not { } unshare)
        {
            Assert.Skip("setpriv and unshare (util-linux) are needed");
            return;
        }

        string[] nobody = ["--reuid", "65534", "--regid", "65534", "--clear-groups", "--bounding-set", "-all", "--"];
        using (Process trial = Process.Start(setpriv, [.. nobody, unshare, "--user", "--map-root-user", "--net", "true"]))
        {
            trial.WaitForExit();
            if (trial.ExitCode != 0)
            {
                Assert.Skip("this kernel gives users no namespaces of their own");
            }
        }

        ProcessStartInfo start = CommandRun.Describe();
        string self = start.FileName;
        start.FileName = setpriv;
        foreach (string argument in (string[])[.. nobody, self, "bench-link", "--rounds", "1", "--milliseconds", "50"])
        {
            start.ArgumentList.Add(argument);
        }

        CommandRun run = CommandRun.Await(Process.Start(start)!);
        Assert.True(run.ExitCode == 0, run.Errors);
        Assert.Contains("raw port", run.Output);
    }

    private static List<int> ChildrenOf(int parent) =>
    [
        .. Directory.GetDirectories($"/proc/{parent}/task").SelectMany(task => ReadOrNothing(Path.Combine(task, "children")).Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .Select(text => int.Parse(text, CultureInfo.InvariantCulture)),
    ];

    /// <summary>Not gone, and not only waiting for somebody to take note of its end.</summary>
    private static bool IsAlive(int process)
    {
        string stat = ReadOrNothing($"/proc/{process}/stat");
        return stat.Length > 0 && stat[(stat.LastIndexOf(')') + 2)..][0] != 'Z';
    }

    private static string ReadOrNothing(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (IOException)
        {
            return string.Empty;
        }
    }
}
