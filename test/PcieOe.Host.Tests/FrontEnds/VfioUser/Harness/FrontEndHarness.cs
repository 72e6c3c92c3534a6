using System.Diagnostics;
using Microsoft.Extensions.Logging.Abstractions;
using PcieOe.Host.FrontEnds.VfioUser;
using PcieOe.Host.Hops;
using PcieOe.Host.RootComplex;
using PcieOe.Transport.Hops;
using Xunit;

namespace PcieOe.Host.Tests.FrontEnds.VfioUser.Harness;

/// <summary>
/// A front end on a socket of its own. The test's thread plays the worker: the front end polls, and the function answers, only inside
/// <see cref="PumpUntil"/>. Time is virtual.
/// </summary>
internal sealed class FrontEndHarness : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("pcieoe-vfio-user-");

    public FrontEndHarness(bool mapsDoorbells = false, bool trustsUnsealedMemory = false)
    {
        SocketPath = Path.Combine(_directory.FullName, "cntrl");
        var options = new VfioUserOptions { SocketPath = SocketPath, MapsDoorbells = mapsDoorbells, TrustsUnsealedMemory = trustsUnsealedMemory };
        Hops = new HopSampler(() => Now, new HopDelays(() => Now), new SampleRecorder(targetClock: null, tenant: string.Empty), every: 0);
        FrontEnd = VfioUserFrontEnd.Start(options, Function, static () => { }, NullLogger.Instance, Hops);
    }

    public FakeFunction Function { get; } = new();

    public VfioUserFrontEnd FrontEnd { get; }

    /// <summary>Stamps none until it is told to.</summary>
    public HopSampler Hops { get; }

    public string SocketPath { get; }

    public long Now { get; set; } = 1_000_000_000_000;

    public RegionReadStatus ReadStatus { get; set; }

    public void PumpUntil(Func<bool> isDone, string what)
    {
        var clock = Stopwatch.StartNew();
        while (!isDone())
        {
            PumpOnce();
            Assert.True(clock.Elapsed < Limit, $"never came: {what}");
            Thread.Yield();
        }
    }

    public void PumpOnce()
    {
        if (!Function.HoldsReads)
        {
            Function.AnswerReads(ReadStatus, Now);
        }

        FrontEnd.Poll(Now);
    }

    public TestClient Connect()
    {
        TestClient? client = null;
        PumpUntil(() => (client = TestClient.TryConnect(SocketPath)) is not null, "a place in the queue of clients");
        return client!;
    }

    public void Send(TestClient client, byte[] bytes, params int[] descriptors) =>
        PumpUntil(() => client.TrySend(bytes, descriptors), "room in the socket");

    /// <summary>A client that has agreed on the version.</summary>
    public TestClient ConnectAndNegotiate()
    {
        TestClient client = Connect();
        Reply reply = Ask(client, TestClient.Message(1, 1, (ushort)0, (ushort)0));
        Assert.False(reply.IsError);
        return client;
    }

    public Reply Ask(TestClient client, byte[] message, params int[] descriptors)
    {
        Send(client, message, descriptors);
        return Receive(client);
    }

    public Reply Receive(TestClient client)
    {
        Reply? reply = null;
        PumpUntil(() => client.TryReceive(out reply!) || client.IsClosed, "a message from the server");
        return reply ?? throw new InvalidOperationException("The server hung up.");
    }

    public void ExpectError(TestClient client, int error, byte[] message, params int[] descriptors)
    {
        Reply reply = Ask(client, message, descriptors);
        Assert.True(reply.IsReply && reply.IsError, $"no error came, but command {reply.Command} with {reply.Payload.Length} bytes");
        Assert.Equal(error, reply.Error);
        Assert.Empty(reply.Payload);
    }

    public void ExpectClosed(TestClient client) => PumpUntil(() => client.IsClosed || (client.TryReceive(out _) && false), "the end of the connection");

    /// <summary>That the server is as well as ever: the next client gets an answer.</summary>
    public void ExpectNextClientIsServed()
    {
        using TestClient next = ConnectAndNegotiate();
        Assert.Equal(9u, Ask(next, TestClient.Message(7, 4, 16u, 0u, 0u, 0u)).UInt32(8));
    }

    public void Dispose()
    {
        FrontEnd.Dispose();
        Hops.Dispose();
        _directory.Delete(recursive: true);
    }
}
