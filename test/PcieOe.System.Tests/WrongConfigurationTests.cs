using Xunit;

namespace PcieOe.System.Tests;

public sealed class WrongConfigurationTests : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private readonly string _folder = Directory.CreateTempSubdirectory("pcieoe-config-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string FileWith(string json)
    {
        string path = Path.Combine(_folder, "daemon.json");
        File.WriteAllText(path, json);
        return path;
    }

    [Fact]
    public void Target_WithManyMistakes_ListsThemAllAndEndsWithTwo()
    {
        string file = FileWith("""
            { "name": "", "pollling": "busy", "port": { "mtu": 12 }, "hosts": [ { "name": "a", "key": "short" } ],
              "functions": [ { "name": "f", "hosts": ["nobody"], "media": { "kind": "file", "size": "x" }, "timing": { "profile": "magic" } } ] }
            """);
        (int exitCode, _, string errors) = ProgramRun.Complete(Limit, "pcieoe-target", "--config", file);
        Assert.Equal(2, exitCode);
        foreach (string place in (string[])["name:", "pollling: is not a setting. Did you mean 'polling'?", "port.interface:", "port.mtu:", "hosts[0].key:", "functions[0].hosts:", "functions[0].media.path:", "functions[0].media.size:", "functions[0].timing.profile:"])
        {
            Assert.Contains(place, errors, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Host_WithManyMistakes_ListsThemAllAndEndsWithTwo()
    {
        string file = FileWith("""{ "name": "h", "port": { "interface": "eth0" }, "attachments": [ { "function": "f" }, { "targetAddress": "zz", "key": "AAAA" } ] }""");
        (int exitCode, _, string errors) = ProgramRun.Complete(Limit, "pcieoe-host", "--config", file);
        Assert.Equal(2, exitCode);
        foreach (string place in (string[])["attachments[0].target:", "attachments[0].key:", "attachments[1].targetAddress:", "attachments[1].key:"])
        {
            Assert.Contains(place, errors, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("pcieoe-target")]
    [InlineData("pcieoe-host")]
    public void Daemon_WithoutAFile_SaysHowToNameOne(string program)
    {
        (int exitCode, _, string errors) = ProgramRun.Complete(Limit, program, "--config", Path.Combine(_folder, "none.json"));
        Assert.Equal(2, exitCode);
        Assert.Contains("--config FILE", errors, StringComparison.Ordinal);
    }

    [Fact]
    public void Target_OnAnInterfaceThatIsNotThere_SaysSoAndEndsWithOne()
    {
        string file = FileWith($$"""
            { "name": "t", "insecure": true, "controlSocket": "{{_folder}}/c.sock", "port": { "interface": "nosuch0" }, "functions": [ { "name": "f", "media": { "size": "1MiB" } } ] }
            """);
        (int exitCode, _, string errors) = ProgramRun.Complete(Limit, "pcieoe-target", "--config", file);
        Assert.Equal(1, exitCode);
        Assert.Matches("no interface 'nosuch0'|CAP_NET_RAW", errors);
    }

    [Fact]
    public void Target_OnAPortThatIsNotBuiltIn_SaysHowToBuildIt()
    {
        string file = FileWith($$"""
            { "name": "t", "insecure": true, "controlSocket": "{{_folder}}/c.sock", "port": { "interface": "lo", "kind": "sharppcap" }, "functions": [ { "name": "f", "media": { "size": "1MiB" } } ] }
            """);
        (int exitCode, _, string errors) = ProgramRun.Complete(Limit, "pcieoe-target", "--config", file);
        Assert.Equal(1, exitCode);
        Assert.Contains("dotnet build -p:WithSharpPcap=true", errors, StringComparison.Ordinal);
    }

    [Fact]
    public void Lab_OnAPortThatIsNotBuiltIn_SaysHowToBuildIt()
    {
        (int exitCode, _, string errors) = ProgramRun.Complete(Limit, "pcieoe", "lab", "--port", "sharppcap");
        Assert.Equal(1, exitCode);
        Assert.Contains("dotnet build -p:WithSharpPcap=true", errors, StringComparison.Ordinal);
    }

    [Fact]
    public void Target_Checked_SaysThatThereAreNoMistakes()
    {
        string file = FileWith("""{ "name": "t", "insecure": true, "port": { "interface": "eth0" }, "functions": [ { "name": "f", "media": { "size": "1MiB" } } ] }""");
        (int exitCode, string output, _) = ProgramRun.Complete(Limit, "pcieoe-target", "--config", file, "--check");
        Assert.Equal(0, exitCode);
        Assert.Contains("no mistakes", output, StringComparison.Ordinal);
    }
}
