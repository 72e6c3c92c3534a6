using System.Text;
using Microsoft.Extensions.Configuration;
using PcieOe.Daemon.Configuration;
using PcieOe.Transport.Polling;
using Xunit;

namespace PcieOe.Daemon.Tests.Configuration;

public sealed class SettingsTests
{
    private static ConfigurationReader Read(string json) =>
        new(new ConfigurationBuilder().AddJsonStream(new MemoryStream(Encoding.UTF8.GetBytes(json))).Build());

    [Fact]
    public void MinimalSettings_Read_HaveDefaults()
    {
        ConfigurationReader reader = Read("""{ "name": "flash-box", "port": { "interface": "eth1" } }""");
        DaemonSettings settings = DaemonSettings.Read(reader, "/run/x.sock");
        Assert.Empty(reader.Finish());
        Assert.Equal("eth1", settings.Port.Interface);
        Assert.Equal(0x88B5, settings.Port.EtherType);
        Assert.Null(settings.Port.MaximumTransmissionUnit);
        Assert.Equal(PollPolicy.Adaptive, settings.Polling);
        Assert.Equal("/run/x.sock", settings.ControlSocket);
        Assert.False(settings.IsInsecure);
    }

    [Fact]
    public void WrongSettings_Read_AreEachReported()
    {
        ConfigurationReader reader = Read("""{ "port": { "mtu": 100, "kind": "quantum", "vlan": 5000 }, "workerProcessor": 1000, "polling": "lazy" }""");
        DaemonSettings.Read(reader, "x");
        string[] places = [.. reader.Finish().Select(problem => problem.Place)];
        Assert.Equal(["name", "workerProcessor", "port.kind", "port.vlan", "port.mtu", "port.interface", "polling"], places);
    }

    [Fact]
    public void Key_Read_MustBeThirtyTwoBytesAndPrivate()
    {
        string good = KeySettings.Create();
        Assert.Equal(32, KeySettings.Read(Read($$"""{ "key": "{{good}}" }"""))!.Length);
        foreach (string bad in (string[])["dGVzdA==", "not base64", good + good])
        {
            ConfigurationReader reader = Read($$"""{ "key": "{{bad}}" }""");
            Assert.Null(KeySettings.Read(reader));
            Assert.Equal("key", Assert.Single(reader.Finish()).Place);
        }

        string path = Path.GetTempFileName();
        try
        {
            File.WriteAllText(path, good + "\n");
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.OtherRead);
            ConfigurationReader open = Read($$"""{ "keyFile": "{{path}}" }""");
            KeySettings.Read(open);
            Assert.Contains("chmod 600", Assert.Single(open.Finish()).Message, StringComparison.Ordinal);
            File.SetUnixFileMode(path, UnixFileMode.UserRead);
            ConfigurationReader closed = Read($$"""{ "keyFile": "{{path}}" }""");
            Assert.NotNull(KeySettings.Read(closed));
            Assert.Empty(closed.Finish());
        }
        finally
        {
            File.Delete(path);
        }

        ConfigurationReader absent = Read("""{ "keyFile": "/nonexistent/key" }""");
        Assert.Null(KeySettings.Read(absent));
        Assert.Contains("cannot be read", Assert.Single(absent.Finish()).Message, StringComparison.Ordinal);
    }
}
