using System.Diagnostics;
using System.Text.Json.Nodes;
using PcieOe.Daemon.Configuration;
using PcieOe.Daemon.Control;
using Xunit;

namespace PcieOe.System.Tests;

[Trait("Category", "System")]
public sealed class DaemonTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private static JsonObject Bench(string pattern) => new() { ["command"] = "bench", ["rw"] = pattern, ["qd"] = 8, ["seconds"] = 0.3 };

    [Fact]
    public void WrongKey_HostStarted_SaysSoAndTheTargetServesOthers()
    {
        using DaemonFixture boxes = new();
        boxes.StartTarget(boxes.TargetConfiguration("server1"));
        Process intruder = boxes.StartHost(boxes.HostConfiguration("server1", KeySettings.Create()));
        JsonObject status = boxes.WaitFor("server1.sock", status => DaemonFixture.ProblemOf(status).Length > 0);
        Assert.Contains("does not let this host in", DaemonFixture.ProblemOf(status), StringComparison.Ordinal);
        JsonObject answer = boxes.Ask("server1.sock", Bench("randread"));
        Assert.False(answer.Flag("ok", true));
        Assert.Contains("does not let this host in", answer.Text("error"), StringComparison.Ordinal);
        Signals.KillHard(intruder.Id);
        intruder.WaitForExit();
        boxes.StartHost(boxes.HostConfiguration("server1"));
        boxes.WaitFor("server1.sock", status => DaemonFixture.StateOf(status) == "up");
        Assert.True(boxes.Ask("server1.sock", Bench("verify")).Flag("ok", false));
    }

    [Fact]
    public void HostKilled_SameIdentity_AttachesAgainAtOnce()
    {
        using DaemonFixture boxes = new();
        boxes.StartTarget(boxes.TargetConfiguration("server1"));
        Process first = boxes.StartHost(boxes.HostConfiguration("server1"));
        boxes.WaitFor("server1.sock", status => DaemonFixture.StateOf(status) == "up");
        Assert.True(boxes.Ask("server1.sock", Bench("verify")).Flag("ok", false));
        Signals.KillHard(first.Id);
        first.WaitForExit();
        boxes.StartHost(boxes.HostConfiguration("server1"));
        boxes.WaitFor("server1.sock", status => DaemonFixture.StateOf(status) == "up");
        Assert.True(boxes.Ask("server1.sock", Bench("verify")).Flag("ok", false));
        Assert.Equal(1, boxes.Status("target.sock")["listener"]!["sessions_replaced"]!.GetValue<long>());
    }

    [Fact]
    public void HostKilled_AnotherOne_IsRefusedUntilTheLeaseHasEnded()
    {
        using DaemonFixture boxes = new();
        JsonObject configuration = boxes.TargetConfiguration("server1", "server2");
        configuration["leaseSeconds"] = 5;
        boxes.StartTarget(configuration);
        Process first = boxes.StartHost(boxes.HostConfiguration("server1"));
        boxes.WaitFor("server1.sock", status => DaemonFixture.StateOf(status) == "up");
        Signals.KillHard(first.Id);
        first.WaitForExit();
        boxes.StartHost(boxes.HostConfiguration("server2"));
        boxes.WaitFor("server2.sock", status => DaemonFixture.ProblemOf(status).Contains("another host holds the function", StringComparison.Ordinal)
            || DaemonFixture.StateOf(status) == "up");
        boxes.WaitFor("server2.sock", status => DaemonFixture.StateOf(status) == "up");
        Assert.Equal(1, boxes.Status("target.sock")["listener"]!["leases_expired"]!.GetValue<long>());
    }

    [Fact]
    public void FlashTiming_ChangedWhileATargetRuns_IsShown()
    {
        using DaemonFixture boxes = new();
        JsonObject configuration = boxes.TargetConfiguration("server1");
        configuration["functions"]![0]!["timing"] = new JsonObject { ["profile"] = "slc-2011" };
        boxes.StartTarget(configuration);
        boxes.WaitFor("target.sock", _ => true);
        string[] timing = ["timing", "flash0", "--control", boxes.PathOf("target.sock")];
        Assert.Equal(0, ProgramRun.Complete(Limit, "pcieoe", [.. timing, "readLsbMicroseconds=60"]).ExitCode);
        (int exitCode, string output, _) = ProgramRun.Complete(Limit, "pcieoe", timing);
        Assert.Equal(0, exitCode);
        Assert.Matches("readLsbMicroseconds +60\\b", output);
        (exitCode, _, string errors) = ProgramRun.Complete(Limit, "pcieoe", [.. timing, "readLsbMicrosecond=60"]);
        Assert.Equal(1, exitCode);
        Assert.Contains("Did you mean 'readLsbMicroseconds'?", errors, StringComparison.Ordinal);
    }

    [Fact]
    public void FunctionReleasedAndAssigned_WhileAttached_IsUnpluggedAndGoesToTheOther()
    {
        using DaemonFixture boxes = new();
        boxes.StartTarget(boxes.TargetConfiguration("server1", "server2"));
        Process first = boxes.StartHost(boxes.HostConfiguration("server1"));
        boxes.WaitFor("server1.sock", status => DaemonFixture.StateOf(status) == "up");
        (int exitCode, string output, _) = ProgramRun.Complete(Limit, "pcieoe", "release", "flash0", "--control", boxes.PathOf("target.sock"));
        Assert.Equal(0, exitCode);
        Assert.Contains("server1", output, StringComparison.Ordinal);
        boxes.WaitFor("server1.sock", status => DaemonFixture.StateOf(status) == "gone");
        Signals.Terminate(first.Id);
        Assert.True(first.WaitForExit(Limit));
        Assert.Equal(0, first.ExitCode);
        Assert.Equal(1, ProgramRun.Complete(Limit, "pcieoe", "assign", "flash0", "stranger", "--control", boxes.PathOf("target.sock")).ExitCode);
        Assert.Equal(0, ProgramRun.Complete(Limit, "pcieoe", "assign", "flash0", "server2", "--control", boxes.PathOf("target.sock")).ExitCode);
        boxes.StartHost(boxes.HostConfiguration("server2"));
        boxes.WaitFor("server2.sock", status => DaemonFixture.StateOf(status) == "up");
    }

    [Fact]
    public void TargetTerminated_UnderLoad_DrainsAndTheHostFindsItAgain()
    {
        using DaemonFixture boxes = new();
        Process target = boxes.StartTarget(boxes.TargetConfiguration("server1"));
        boxes.StartHost(boxes.HostConfiguration("server1"));
        boxes.WaitFor("server1.sock", status => DaemonFixture.StateOf(status) == "up");
        Assert.True(boxes.Ask("server1.sock", Bench("verify")).Flag("ok", false));
        Signals.Terminate(target.Id);
        Assert.True(target.WaitForExit(Limit));
        Assert.Equal(0, target.ExitCode);
        boxes.StartTarget(boxes.TargetConfiguration("server1"));
        boxes.WaitFor("server1.sock", status => DaemonFixture.StateOf(status) == "up");
        Assert.True(boxes.Ask("server1.sock", Bench("verify")).Flag("ok", false));
    }

    [Fact]
    public void TargetAbsent_Bench_SaysWhatToLookAt()
    {
        using DaemonFixture boxes = new();
        boxes.StartHost(boxes.HostConfiguration("server1"));
        boxes.WaitFor("server1.sock", _ => true);
        JsonObject answer = boxes.Ask("server1.sock", Bench("randread"));
        Assert.Contains("the target does not answer", answer.Text("error"), StringComparison.Ordinal);
    }

    [Fact]
    public void StatusCommand_OnBothDaemons_ShowsSessionsAndCounters()
    {
        using DaemonFixture boxes = new();
        boxes.StartTarget(boxes.TargetConfiguration("server1"));
        boxes.StartHost(boxes.HostConfiguration("server1"));
        boxes.WaitFor("server1.sock", status => DaemonFixture.StateOf(status) == "up");
        string json = boxes.PathOf("status.json");
        (int exitCode, string output, _) = ProgramRun.Complete(Limit, "pcieoe", "status", "--control", boxes.PathOf("target.sock"), "--json", json);
        Assert.Equal(0, exitCode);
        Assert.Contains("holder: server1", output, StringComparison.Ordinal);
        JsonNode status = JsonNode.Parse(File.ReadAllText(json))!;
        Assert.Equal("server1", status["sessions"]![0]!["host"]!.GetValue<string>());
        Assert.True(status["sessions"]![0]!["keyed"]!.GetValue<bool>());
        Assert.NotNull(status["sessions"]![0]!["link"]!["drops"]!["check_failed"]);
        Assert.NotNull(status["process"]!["gc"]!["pause_us"]);
        Assert.NotNull(boxes.Status("server1.sock")["attachments"]![0]!["root_complex"]!["dma_writes_refused"]);
    }

    [Fact]
    public void Discover_WithAndWithoutTheKey_ListsFunctionsOrTheNameAlone()
    {
        using DaemonFixture boxes = new();
        boxes.StartTarget(boxes.TargetConfiguration("server1"));
        boxes.WaitFor("target.sock", _ => true);
        string json = boxes.PathOf("discover.json"), keyFile = boxes.PathOf("server1.key");
        File.WriteAllText(keyFile, boxes.Key);
        Assert.Equal(0, boxes.RunBesideTheHost("pcieoe", "discover", DaemonFixture.InterfaceName, "--json", json));
        JsonNode stranger = JsonNode.Parse(File.ReadAllText(json))!["targets"]!.AsArray().Single()!;
        Assert.Equal("flashbox", stranger["name"]!.GetValue<string>());
        Assert.Empty(stranger["functions"]!.AsArray());
        Assert.Equal(0, boxes.RunBesideTheHost("pcieoe", "discover", DaemonFixture.InterfaceName, "--name", "server1", "--key-file", keyFile, "--json", json));
        JsonNode known = JsonNode.Parse(File.ReadAllText(json))!["targets"]!.AsArray().Single()!;
        Assert.True(known["authentic"]!.GetValue<bool>());
        Assert.Equal("flash0", known["functions"]!.AsArray().Single()!["name"]!.GetValue<string>());
    }
}
