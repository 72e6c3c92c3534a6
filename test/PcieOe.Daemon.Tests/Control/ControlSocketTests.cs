using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging.Abstractions;
using PcieOe.Daemon.Control;
using Xunit;

namespace PcieOe.Daemon.Tests.Control;

public sealed class ControlSocketTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("pcieoe-control").FullName;

    private string SocketPath => Path.Combine(_directory, "control.sock");

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    private static async Task<JsonObject> Echo(JsonObject request, Func<JsonObject, ValueTask> progress, CancellationToken cancellation)
    {
        await progress(new JsonObject { ["progress"] = 0.5 });
        return request.Text("command") switch
        {
            "fail" => throw new InvalidOperationException("as asked"),
            "wait" => await WaitForeverAsync(cancellation),
            _ => new JsonObject { ["ok"] = true, ["echo"] = request.Text("text") },
        };
    }

    private static async Task<JsonObject> WaitForeverAsync(CancellationToken cancellation)
    {
        TaskCompletionSource<JsonObject> never = new();
        using CancellationTokenRegistration registration = cancellation.Register(() => never.TrySetCanceled(cancellation));
        return await never.Task;
    }

    [Fact]
    public async Task Request_Asked_IsAnsweredAfterItsProgress()
    {
        await using ControlServer server = ControlServer.Start(SocketPath, Echo, NullLogger.Instance);
        List<double> progress = [];
        JsonObject answer = await ControlClient.AskAsync(SocketPath, new JsonObject { ["command"] = "echo", ["text"] = "hello" }, line => progress.Add(line.Number("progress", 0)), CancellationToken.None);
        Assert.True(answer.Flag("ok", false));
        Assert.Equal("hello", answer.Text("echo"));
        Assert.Equal([0.5], progress);
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(SocketPath));
    }

    [Fact]
    public async Task FailingCommand_Asked_IsAnsweredAndTheServerGoesOn()
    {
        await using ControlServer server = ControlServer.Start(SocketPath, Echo, NullLogger.Instance);
        JsonObject answer = await ControlClient.AskAsync(SocketPath, new JsonObject { ["command"] = "fail" }, null, CancellationToken.None);
        Assert.Contains("as asked", answer.Text("error"), StringComparison.Ordinal);
        answer = await ControlClient.AskAsync(SocketPath, new JsonObject { ["command"] = "echo" }, null, CancellationToken.None);
        Assert.True(answer.Flag("ok", false));
    }

    [Fact]
    public async Task PipelinedRequests_Sent_AreAnsweredInTheirOrder()
    {
        await using ControlServer server = ControlServer.Start(SocketPath, Echo, NullLogger.Instance);
        using Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(SocketPath));
        await socket.SendAsync(Encoding.UTF8.GetBytes("{\"command\":\"echo\",\"text\":\"1\"}\n{\"command\":\"echo\",\"text\":\"2\"}\n"));
        using StreamReader reader = new(new NetworkStream(socket));
        List<string?> echoes = [];
        while (echoes.Count < 2)
        {
            JsonObject line = ControlProtocol.Parse(Encoding.UTF8.GetBytes((await reader.ReadLineAsync())!))!;
            if (line.ContainsKey("ok"))
            {
                echoes.Add(line.Text("echo"));
            }
        }

        Assert.Equal(["1", "2"], echoes);
    }

    [Theory]
    [InlineData("garbage\n")]
    [InlineData("[1,2]\n")]
    [InlineData("{\"command\":7}\n")]
    [InlineData("\n")]
    public async Task Garbage_Sent_IsAnsweredWithAnError(string text)
    {
        await using ControlServer server = ControlServer.Start(SocketPath, Echo, NullLogger.Instance);
        using Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(SocketPath));
        foreach (byte octet in Encoding.UTF8.GetBytes(text))
        {
            await socket.SendAsync(new[] { octet });
        }

        using StreamReader reader = new(new NetworkStream(socket));
        Assert.Contains("\"ok\":false", await reader.ReadLineAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ClientLeaves_CommandRuns_ItIsCancelled()
    {
        TaskCompletionSource cancelled = new();
        async Task<JsonObject> Wait(JsonObject request, Func<JsonObject, ValueTask> progress, CancellationToken cancellation)
        {
            cancellation.Register(cancelled.SetResult);
            return await WaitForeverAsync(cancellation);
        }

        await using ControlServer server = ControlServer.Start(SocketPath, Wait, NullLogger.Instance);
        using (Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(SocketPath));
            await socket.SendAsync(Encoding.UTF8.GetBytes("{\"command\":\"wait\"}\n"));
        }

        await cancelled.Task.WaitAsync(TimeSpan.FromSeconds(10));
    }

    [Fact]
    public async Task SocketInUse_SecondServer_IsRefusedAndAStaleOneIsReplaced()
    {
        await using (ControlServer first = ControlServer.Start(SocketPath, Echo, NullLogger.Instance))
        {
            Assert.Throws<IOException>(() => ControlServer.Start(SocketPath, Echo, NullLogger.Instance));
        }

        using (Socket dead = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
        {
            dead.Bind(new UnixDomainSocketEndPoint(SocketPath));
        }

        await using ControlServer second = ControlServer.Start(SocketPath, Echo, NullLogger.Instance);
        IOException absent = await Assert.ThrowsAsync<IOException>(() => ControlClient.AskAsync(SocketPath + ".none", [], null, CancellationToken.None));
        Assert.Contains("No daemon answers", absent.Message, StringComparison.Ordinal);
    }
}
