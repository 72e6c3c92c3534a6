using System.Text.Json.Nodes;
using Xunit;

namespace PcieOe.System.Tests;

/// <summary>The main job as users run it. Nothing here asserts a time: the machine may be busy.</summary>
public sealed class LabTests : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(8);

    private readonly string _folder = Directory.CreateTempSubdirectory("pcieoe-lab-test-").FullName;

    private string JsonFile => Path.Combine(_folder, "run.json");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static void RequireRoot()
    {
        if (!Environment.IsPrivilegedProcess)
        {
            Assert.Skip("Network namespaces and raw sockets take root.");
        }
    }

    private JsonObject Lab(params string[] arguments)
    {
        (int exitCode, string output, string errors) = ProgramRun.Complete(Limit, "pcieoe", ["lab", "--json", JsonFile, .. arguments]);
        Assert.True(exitCode == 0, $"exit code {exitCode}\n{output}\n{errors}");
        return JsonNode.Parse(File.ReadAllText(JsonFile))!.AsObject();
    }

    [Fact]
    [Trait("Category", "System")]
    public void Lab_RunOnRawEthernet_ReportsEveryWorkloadWithoutAFault()
    {
        RequireRoot();
        JsonObject report = Lab("--seconds", "0.5");
        string[] expected =
        [
            .. from pattern in (string[])["regread", "regwrite"] from size in (string[])["4b", "64b", "512b", "4k"] select $"{pattern}-{size}",
            .. from pattern in (string[])["dmaread", "dmawrite"] from size in (string[])["64b", "256b", "1k", "4k"] select $"{pattern}-{size}",
            .. ((int[])[1, 4, 8, 32, 128, 256]).Select(depth => $"randread-4k-qd{depth}"),
            .. ((int[])[1, 8, 32, 128]).Select(depth => $"randwrite-4k-qd{depth}"),
            "randread-16k-qd1", "randread-16k-qd32",
            .. from pattern in (string[])["read", "write"] from size in (int[])[64, 128] from depth in (int[])[1, 32] select $"{pattern}-{size}k-qd{depth}",
            "randrw90-4k-qd32", "randrw-4k-qd32", "randrw50-4k-qd32",
            .. ((int[])[25, 50, 75, 90, 100]).Select(load => $"randread-4k-qd256-load{load}"),
            "verify-4k-qd32",
            "randread-4k-qd1-keyed", "randread-4k-qd32-keyed", "randread-4k-qd1-mtu1500", "randread-4k-qd32-mtu1500",
            "randread-4k-qd1-nocmb", "randwrite-4k-qd1-nocmb", "randread-4k-qd1-slc-2011", "randread-4k-qd32-slc-2011",
        ];
        JsonArray workloads = report["workloads"]!.AsArray();
        Assert.Equal(expected, workloads.Select(workload => workload!["name"]!.GetValue<string>()));
        foreach (JsonNode? workload in workloads)
        {
            Assert.True(workload!["ios"]!.GetValue<long>() > 0, $"{workload["name"]} did nothing");
            Assert.Equal(0, workload["io_errors"]!.GetValue<long>());
            Assert.Equal(0, workload["verify_errors"]!.GetValue<long>());
            Assert.True(workload["latency_us"]!["p99.9"]!.GetValue<double>() > 0);
        }

        Assert.True(workloads.Single(workload => workload!["name"]!.GetValue<string>() == "verify-4k-qd32")!["verified_blocks"]!.GetValue<long>() > 0);
        Assert.All(report["hosts_scaling"]!.AsArray(), hosts => Assert.Equal(0, hosts!["foreign_blocks"]!.GetValue<long>()));
        Assert.Equal([1, 2, 4], report["hosts_scaling"]!.AsArray().Select(hosts => hosts!["hosts"]!.AsArray().Count));
        Assert.True(report["floor"]!["rtt_64_us"]!["p50"]!.GetValue<double>() > 0);
        Assert.True(report["floor"]!["rtt_64_4096_us"]!["p50"]!.GetValue<double>() > 0);
        Assert.True(report["floor"]!["flood_gbps"]!.GetValue<double>() > 0);
        (int exitCode, string output, _) = ProgramRun.Complete(Limit, "pcieoe", "report", JsonFile);
        Assert.Equal(0, exitCode);
        Assert.Contains("randread-4k-qd128", output, StringComparison.Ordinal);
        Assert.All(output.Split('\n'), line => Assert.True(line.TrimEnd().Length <= 160, $"too wide: {line}"));
    }

    // Whether every window of 100 ms was kept on this machine is in the exit code; here it is that the policy works, both ways.
    [Fact]
    [Trait("Category", "System")]
    public void Lab_Gatekeeper_GivesTheGuaranteedTenantMoreInBothDirections()
    {
        RequireRoot();
        (int exitCode, string output, string errors) = ProgramRun.Complete(Limit, "pcieoe", "lab", "--scenario", "gatekeeper", "--seconds", "1.8", "--json", JsonFile);
        Assert.True(exitCode is 0 or 1, $"exit code {exitCode}\n{output}\n{errors}");
        JsonObject report = JsonNode.Parse(File.ReadAllText(JsonFile))!.AsObject();
        Assert.Equal(["read", "write"], report["directions"]!.AsArray().Select(direction => direction!["name"]!.GetValue<string>()));
        foreach (JsonNode? direction in report["directions"]!.AsArray())
        {
            JsonArray off = direction!["off"]!["tenants"]!.AsArray(), on = direction["on"]!["tenants"]!.AsArray();
            Assert.Equal(["steady", "greedy", "passing"], on.Select(tenant => tenant!["name"]!.GetValue<string>()));
            Assert.True(Achieved(on[0]) > 1.5 * Achieved(off[0]), $"steady: {Achieved(on[0])} Mb/s with the policy, {Achieved(off[0])} without");
            Assert.True(Achieved(on[1]) < Achieved(off[1]), $"greedy: {Achieved(on[1])} Mb/s with the policy, {Achieved(off[1])} without");
        }

        static double Achieved(JsonNode? tenant) => tenant!["achieved_mbps"]!.GetValue<double>();
    }

    // Whether deadlines were met on this machine is in the exit code; here it is how the classes are told apart that counts.
    [Fact]
    [Trait("Category", "System")]
    public void Lab_NestedQos_ReportsEachClassBesideFirstInFirstOut()
    {
        RequireRoot();
        (int exitCode, string output, string errors) = ProgramRun.Complete(Limit, "pcieoe", "lab", "--scenario", "nested-qos", "--seconds", "0.8", "--json", JsonFile);
        Assert.True(exitCode is 0 or 1 && File.Exists(JsonFile), $"exit code {exitCode}\n{output}\n{errors}");
        JsonObject report = JsonNode.Parse(File.ReadAllText(JsonFile))!.AsObject();
        Assert.All(report["workloads"]!.AsArray(), workload => Assert.Equal(0, workload!["io_errors"]!.GetValue<long>()));
        string[] expected = ["bursty gold 5", "bursty silver 20", "bursty bronze 100", "bursty best-effort ", "smooth gold 5", "smooth best-effort "];
        foreach (JsonArray classes in (JsonArray[])[report["classes"]!.AsArray(), report["fifo_classes"]!.AsArray()])
        {
            Assert.Equal(expected, classes.Select(member => $"{member!["tenant"]} {member["class"]} {member["deadline_ms"]}"));
            Assert.All(classes, member => Assert.Equal(member!["arrivals"]!.GetValue<long>(), member["met"]!.GetValue<long>() + member["missed"]!.GetValue<long>()));
            Assert.Equal(report["workloads"]!.AsArray().Take(2).Sum(workload => workload!["ios"]!.GetValue<long>()), classes.Sum(member => member!["arrivals"]!.GetValue<long>()));
        }

        JsonNode smooth = report["fifo_classes"]!.AsArray().Single(member => $"{member!["tenant"]} {member["class"]}" == "smooth gold")!;
        Assert.True(smooth["missed"]!.GetValue<double>() > 0.1 * smooth["arrivals"]!.GetValue<double>(), $"first-in first-out misses only {smooth["missed"]}");
        Assert.InRange(report["capacity"]!["load"]!.GetValue<double>(), 0.8, 1);
        Assert.Equal(0.3815, report["capacity"]!["ratio"]!.GetValue<double>());
    }

    [Fact]
    [Trait("Category", "System")]
    public void Lab_CableCutAndTargetKilled_LosesNothing()
    {
        RequireRoot();
        JsonObject outage = Lab("--scenario", "outage")["outage"]!.AsObject();
        JsonObject killed = outage["target_killed"]!.AsObject();
        Assert.True(outage["outage_s"]!.GetValue<double>() >= 10);
        foreach (JsonObject part in (JsonObject[])[outage, killed])
        {
            Assert.Equal(0, part["io_errors"]!.GetValue<long>());
            Assert.Equal(0, part["verify_errors"]!.GetValue<long>());
            Assert.True(part["verified_blocks"]!.GetValue<long>() > 0);
            Assert.True(part["recovered_after_s"]!.GetValue<double>() > 0, "nothing was interrupted");
        }
    }

    [Fact]
    [Trait("Category", "System")]
    public void Lab_ThreeHostsAtOneTarget_SeeTheirOwnDataOnly()
    {
        RequireRoot();
        JsonObject hosts = Lab("--scenario", "hosts", "--hosts", "3", "--seconds", "1")["hosts"]!.AsObject();
        Assert.Equal(3, hosts["hosts"]!.AsArray().Count);
        Assert.All(hosts["hosts"]!.AsArray(), host => Assert.True(host!["iops"]!.GetValue<double>() > 0));
        Assert.Equal(0, hosts["foreign_blocks"]!.GetValue<long>());
    }

    [Fact]
    public void Lab_WithoutANetwork_RunsInMemory()
    {
        JsonObject report = Lab("--port", "memory", "--seconds", "0.1");
        Assert.Equal("memory", report["path"]!["port"]!.GetValue<string>());
        Assert.Equal(53, report["workloads"]!.AsArray().Count);
        Assert.Null(report["floor"]);
    }

    [Fact]
    [Trait("Category", "System")]
    public void Lab_Interrupted_LeavesNothingBehind()
    {
        RequireRoot();
        HashSet<string> before = [.. Directory.EnumerateDirectories(Path.GetTempPath(), "pcieoe-lab-*")];
        using ProgramRun run = ProgramRun.Start("pcieoe", "lab", "--seconds", "60");
        SpinWait.SpinUntil(() => run.HasEnded || run.Errors.Contains("attached", StringComparison.Ordinal), TimeSpan.FromMinutes(3));
        string[] folders = [.. Directory.EnumerateDirectories(Path.GetTempPath(), "pcieoe-lab-*").Where(folder => !before.Contains(folder) && Directory.EnumerateFiles(folder, "*.sock").Any())];
        Assert.NotEmpty(folders);
        Signals.Interrupt(run.ProcessId);
        int exitCode = run.WaitForExit(TimeSpan.FromSeconds(60));
        Assert.Equal(130, exitCode);
        Assert.All(folders, folder => Assert.False(Directory.Exists(folder), $"{folder} was left behind"));
        Assert.All(folders, folder => Assert.DoesNotContain(RunningWith(folder), _ => true));
    }

    [Theory]
    [InlineData("--scenario", "nonsense")]
    [InlineData("--seconds", "0")]
    [InlineData("--hosts", "0")]
    public void Lab_WrongOption_IsRefusedWithUsage(string option, string value)
    {
        (int exitCode, _, string errors) = ProgramRun.Complete(Limit, "pcieoe", "lab", option, value);
        Assert.Equal(2, exitCode);
        Assert.True(errors.Contains(option, StringComparison.Ordinal) || errors.Contains($"'{value}'", StringComparison.Ordinal), errors);
    }

    private static IEnumerable<string> RunningWith(string text)
    {
        foreach (string folder in Directory.EnumerateDirectories("/proc").Where(folder => char.IsAsciiDigit(Path.GetFileName(folder)[0])))
        {
            string command;
            try
            {
                command = File.ReadAllText(Path.Combine(folder, "cmdline"));
            }
            catch (IOException)
            {
                continue;
            }

            if (command.Contains(text, StringComparison.Ordinal))
            {
                yield return command;
            }
        }
    }
}
