using System.Diagnostics;
using System.Text.Json.Nodes;
using Xunit;

namespace PcieOe.System.Tests;

/// <summary>The stamps of both daemons on raw Ethernet: time wasted in a hop on purpose must appear there and nowhere else.</summary>
public sealed class HopTests : IDisposable
{
    private const double InjectedMicroseconds = 200;

    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(4);

    private readonly string _folder = Directory.CreateTempSubdirectory("pcieoe-hop-test-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    [Trait("Category", "System")]
    public void Lab_TimeWastedInEachHop_AppearsInThatHopAlone()
    {
        if (!Environment.IsPrivilegedProcess)
        {
            Assert.Skip("Network namespaces and raw sockets take root.");
        }

        string file = Path.Combine(_folder, "run.json");
        (int exitCode, string output, string errors) = ProgramRun.Complete(
            Limit, "pcieoe", "lab", "--json", file, "--seconds", "0.3", "--inject", $"all={InjectedMicroseconds}us");
        Assert.True(exitCode == 0, $"exit code {exitCode}\n{output}\n{errors}");
        JsonArray workloads = JsonNode.Parse(File.ReadAllText(file))!["workloads"]!.AsArray();
        string[] names = [.. workloads[0]!["hops"]!.AsArray().Select(hop => hop!["name"]!.GetValue<string>())];
        Assert.Equal(14, names.Length);
        Assert.Equal(names.Length + 1, workloads.Count);

        double[] before = Medians(workloads[0]!);
        for (int injected = 0; injected < names.Length; injected++)
        {
            JsonNode workload = workloads[injected + 1]!;
            Assert.EndsWith($"+{names[injected]}", workload["name"]!.GetValue<string>(), StringComparison.Ordinal);
            double[] after = Medians(workload);
            for (int hop = 0; hop < names.Length; hop++)
            {
                double added = after[hop] - before[hop];
                Assert.True(
                    hop == injected ? added > InjectedMicroseconds / 2 : added < InjectedMicroseconds / 2,
                    $"{added:F1} us more in {names[hop]} though {InjectedMicroseconds} us were wasted in {names[injected]}");
            }
        }
    }

    /// <summary>Both daemons read one clock here, so the truth is known: the offset is nothing.</summary>
    [Fact]
    [Trait("Category", "System")]
    public void Clock_Estimated_IsOffByNoMoreThanItsBound()
    {
        using DaemonFixture fixture = new();
        using Process target = fixture.StartTarget(fixture.TargetConfiguration("host0"));
        using Process host = fixture.StartHost(fixture.HostConfiguration("host0"));
        fixture.WaitFor("host0.sock", status => DaemonFixture.StateOf(status) == "up");
        JsonObject answer = fixture.Ask("host0.sock", new JsonObject { ["command"] = "bench", ["rw"] = "randread", ["seconds"] = 0.3, ["sample_every"] = 1 });
        JsonNode result = answer["result"]!;
        Assert.Equal("estimated", result["clock"]!["source"]!.GetValue<string>());
        Assert.True(result["sampled"]!.GetValue<long>() > 0);
        JsonNode clock = fixture.Status("host0.sock")["attachments"]![0]!["hops"]!["clock"]!;
        double bound = clock["error_bound_us"]!.GetValue<double>();
        Assert.True(bound > 0);
        Assert.InRange(clock["offset_us"]!.GetValue<double>(), -bound, bound);
        JsonArray own = fixture.Status("target.sock")["hops"]!.AsArray();
        Assert.Contains(own, entry => entry!["tenant"]!.GetValue<string>() == "host0" && entry["size"]!.GetValue<int>() == 4096 && entry["sampled"]!.GetValue<long>() > 0);
    }

    private static double[] Medians(JsonNode workload)
    {
        Assert.True(workload["sampled"]!.GetValue<long>() >= 20, $"{workload["name"]}: {workload["sampled"]} samples");
        Assert.True(workload["residual_us"]!.GetValue<double>() <= 0.05 * workload["end_to_end"]!["p50"]!.GetValue<double>(), "the hops do not add up");
        return [.. workload["hops"]!.AsArray().Select(hop => hop!["p50"]!.GetValue<double>())];
    }
}
