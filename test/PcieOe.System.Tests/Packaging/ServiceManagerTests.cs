using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using Xunit;

namespace PcieOe.System.Tests.Packaging;

/// <summary>What a daemon tells systemd: that it is ready, that it lives, that it stops (man 3 sd_notify).</summary>
[Trait("Category", "System")]
public sealed class ServiceManagerTests
{
    [Fact]
    public void Target_StartedByAServiceManager_SaysReadyAliveAndStopping()
    {
        using DaemonFixture boxes = new();
        using Socket manager = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified) { ReceiveTimeout = 60_000 };
        manager.Bind(new UnixDomainSocketEndPoint(boxes.PathOf("notify.sock")));
        JsonObject configuration = boxes.TargetConfiguration("server1");
        File.WriteAllText(boxes.PathOf("target.json"), configuration.ToJsonString());
        Process target = boxes.StartTargetWith(["--config", boxes.PathOf("target.json")], new Dictionary<string, string?>
        {
            ["NOTIFY_SOCKET"] = boxes.PathOf("notify.sock"),
            ["WATCHDOG_USEC"] = "100000",
        });
        Assert.Equal("READY=1", Receive(manager));
        Assert.Equal("WATCHDOG=1", Receive(manager));
        Assert.Equal("WATCHDOG=1", Receive(manager));
        Signals.Terminate(target.Id);
        string last;
        do
        {
            last = Receive(manager);
        }
        while (last == "WATCHDOG=1");
        Assert.Equal("STOPPING=1", last);
        Assert.True(target.WaitForExit(TimeSpan.FromSeconds(60)));
        Assert.Equal(0, target.ExitCode);
    }

    private static string Receive(Socket manager)
    {
        byte[] buffer = new byte[256];
        return Encoding.UTF8.GetString(buffer, 0, manager.Receive(buffer));
    }
}
