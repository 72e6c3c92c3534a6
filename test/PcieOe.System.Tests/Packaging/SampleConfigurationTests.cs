using System.Text.Json.Nodes;
using PcieOe.Daemon.Control;
using Xunit;

namespace PcieOe.System.Tests.Packaging;

/// <summary>The sample configurations start as they are: only where things are on this machine is set from outside.</summary>
public sealed class SampleConfigurationTests
{
    [Theory]
    [InlineData("pcieoe-target", "target.json")]
    [InlineData("pcieoe-host", "host.json")]
    public void Sample_Checked_HasNoMistakes(string program, string sample)
    {
        string folder = Directory.CreateTempSubdirectory("pcieoe-sample-").FullName;
        try
        {
            CopySamples(folder, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
            (int exitCode, _, string errors) = ProgramRun.Complete(TimeSpan.FromSeconds(60), program, "--config", Path.Combine(folder, sample), "--check");
            Assert.True(exitCode == 0, errors);
            File.SetUnixFileMode(Path.Combine(folder, "server1.key"), UnixFileMode.UserRead | UnixFileMode.OtherRead);
            Assert.Equal(2, ProgramRun.Complete(TimeSpan.FromSeconds(60), program, "--config", Path.Combine(folder, sample), "--check").ExitCode);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    [Trait("Category", "System")]
    public void Samples_BothStarted_ServeTheFunction()
    {
        using DaemonFixture boxes = new();
        CopySamples(boxes.PathOf(string.Empty), boxes.Key);
        boxes.StartTargetWith("--config", boxes.PathOf("target.json"), "--set", $"port:interface={DaemonFixture.InterfaceName}",
            "--set", $"controlSocket={boxes.PathOf("target.sock")}", "--set", $"functions:0:media:path={boxes.PathOf("flash0.img")}");
        boxes.StartHostWith("--config", boxes.PathOf("host.json"), "--set", $"port:interface={DaemonFixture.InterfaceName}",
            "--set", $"controlSocket={boxes.PathOf("host.sock")}", "--set", $"attachments:0:frontends:0:nbd=unix:{boxes.PathOf("flash0.nbd")}");
        boxes.WaitFor("host.sock", status => DaemonFixture.StateOf(status) == "up");
        JsonObject answer = boxes.Ask("host.sock", new JsonObject { ["command"] = "bench", ["rw"] = "verify", ["qd"] = 8, ["seconds"] = 0.2 });
        Assert.True(answer.Flag("ok", false), answer.ToJsonString());
        Assert.True(File.Exists(boxes.PathOf("flash0.nbd")));
    }

    private static void CopySamples(string folder, string key)
    {
        foreach (string sample in (string[])["target.json", "host.json"])
        {
            File.Copy(Repository.PathOf($"packaging/samples/{sample}"), Path.Combine(folder, sample));
        }

        File.WriteAllText(Path.Combine(folder, "server1.key"), key);
        File.SetUnixFileMode(Path.Combine(folder, "server1.key"), UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }
}
