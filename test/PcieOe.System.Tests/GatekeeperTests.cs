using System.Globalization;
using System.Text.Json.Nodes;
using PcieOe.Daemon.Control;
using Xunit;

namespace PcieOe.System.Tests;

/// <summary>Bandwidth limits in real daemons: kept in both directions, changed while they run, shown. What is asserted of rates are upper bounds.</summary>
[Trait("Category", "System")]
public sealed class GatekeeperTests
{
    private const double MaximumMegabits = 50;

    [Fact]
    public void LimitsSetAtRunTime_AreKeptInBothDirections_AndShown()
    {
        using DaemonFixture boxes = new();
        JsonObject configuration = boxes.TargetConfiguration("server1");
        configuration["hosts"]![0]!["tenant"] = "web";
        configuration["gatekeeper"] = new JsonObject
        {
            ["linkMbps"] = 1000,
            ["tenants"] = new JsonArray(new JsonObject { ["name"] = "web", ["egress"] = new JsonObject { ["minMbps"] = 20 } }),
        };
        boxes.StartTarget(configuration);
        boxes.StartHost(boxes.HostConfiguration("server1"));
        boxes.WaitFor("server1.sock", status => DaemonFixture.StateOf(status) == "up");

        Assert.Contains("1500 Mb/s", Set(1, "--egress-min", "1500"), StringComparison.Ordinal);
        Assert.Empty(Set(0, "--egress-max", "50", "--ingress-max", "50"));
        Assert.InRange(Load(boxes, "randread"), 1, 1.6 * MaximumMegabits);
        Assert.InRange(Load(boxes, "randwrite"), 1, 1.6 * MaximumMegabits);

        JsonNode tenant = Assert.Single(boxes.Status("target.sock")["gatekeeper"]!["tenants"]!.AsArray())!;
        Assert.Equal(("web", 20.0, 50.0), (tenant["name"]!.GetValue<string>(), tenant["egress"]!["min_mbps"]!.GetValue<double>(), tenant["egress"]!["max_mbps"]!.GetValue<double>()));
        Assert.True(tenant["egress"]!["bytes"]!.GetValue<long>() > 1 << 20 && tenant["ingress"]!["bytes"]!.GetValue<long>() > 1 << 20);

        // The host has no such section, and obeys: it was told, and says so.
        JsonNode heard = Assert.Single(boxes.Status("server1.sock")["gatekeeper"]!["tenants"]!.AsArray())!;
        Assert.True(tenant["feedback_sent"]!.GetValue<long>() > 0);
        Assert.True(heard["feedback_received"]!.GetValue<long>() > 0);

        (int exitCode, string output, _) = ProgramRun.Complete(TimeSpan.FromSeconds(30), "pcieoe", "policy", "show", "--control", boxes.PathOf("target.sock"));
        Assert.Equal(0, exitCode);
        Assert.Contains("web", output, StringComparison.Ordinal);

        string Set(int expectedExitCode, params string[] limits)
        {
            (int code, string said, string errors) = ProgramRun.Complete(TimeSpan.FromSeconds(30), "pcieoe", ["policy", "set", "web", .. limits, "--control", boxes.PathOf("target.sock")]);
            Assert.True(code == expectedExitCode, said + errors);
            return errors.Trim();
        }
    }

    [Fact]
    public void MinimaBeyondTheInterfacesRate_RefusedWithTheSum()
    {
        using DaemonFixture boxes = new();
        JsonObject configuration = boxes.TargetConfiguration("server1");

        // A virtual Ethernet pair says 10 Gb/s.
        configuration["gatekeeper"] = new JsonObject
        {
            ["tenants"] = new JsonArray([.. Enumerable.Range(0, 3).Select(i => (JsonNode)new JsonObject { ["name"] = $"t{i}", ["ingress"] = new JsonObject { ["minMbps"] = 4000 } })]),
        };
        string file = boxes.PathOf("refused.json");
        File.WriteAllText(file, configuration.ToJsonString());
        (int exitCode, string errors) = boxes.RunTarget("--config", file);
        Assert.Equal(1, exitCode);
        Assert.Contains("ingress minima sum up to 12000 Mb/s, and the link has 10000 Mb/s", errors, StringComparison.Ordinal);
    }

    private static double Load(DaemonFixture boxes, string pattern)
    {
        JsonObject answer = boxes.Ask("server1.sock", new JsonObject { ["command"] = "bench", ["rw"] = pattern, ["bs"] = 65536, ["qd"] = 4, ["seconds"] = 1.5 });
        Assert.True(answer.Flag("ok", false), answer.ToJsonString());
        Assert.Equal(0, answer["result"]!["io_errors"]!.GetValue<long>());
        return double.Parse(answer["result"]!["gbps"]!.ToString(), CultureInfo.InvariantCulture) * 1000;
    }
}
