using Microsoft.Extensions.Logging.Abstractions;
using PcieOe.Host.FrontEnds.VfioUser;
using PcieOe.Host.RootComplex;
using PcieOe.Host.Tests.FrontEnds.VfioUser.Harness;
using Xunit;
using static PcieOe.Host.Tests.FrontEnds.VfioUser.Harness.TestClient;

namespace PcieOe.Host.Tests.FrontEnds.VfioUser;

public sealed class ClientLifecycleTests
{
    [Fact]
    public void Clients_OneAfterAnother_EachFindAFreshFunction()
    {
        using var harness = new FrontEndHarness();
        for (int i = 1; i <= 10; i++)
        {
            using (TestClient client = harness.ConnectAndNegotiate())
            {
                Assert.Equal((i, i - 1), (harness.Function.Attachments, harness.Function.Detachments));
                Assert.False(harness.Ask(client, Message(2, 2, 32u, 3u, 0ul, 0ul, 0x1000ul)).IsError);
            }

            harness.PumpUntil(() => harness.Function.Detachments == i, "the detachment");
            Assert.Empty(harness.Function.Window);
        }

        Assert.Equal(10, harness.FrontEnd.Counters.Clients);
    }

    [Fact]
    public void SecondClient_WaitsUntilTheFirstHasGone()
    {
        using var harness = new FrontEndHarness();
        TestClient first = harness.ConnectAndNegotiate();
        using TestClient second = harness.Connect();
        harness.Send(second, Message(1, 1, (ushort)0, (ushort)0));
        Assert.False(harness.Ask(first, Message(2, 4, 16u, 0u, 0u, 0u)).IsError);
        Assert.False(second.TryReceive(out _));

        first.Dispose();

        Assert.Equal(1, harness.Receive(second).Command);
    }

    [Fact]
    public void Client_BeforeTheFunctionIsEnumerated_IsServedAfterwards()
    {
        using var harness = new FrontEndHarness();
        harness.Function.State = RemoteFunctionState.Connecting;
        using TestClient client = harness.Connect();
        harness.Send(client, Message(1, 1, (ushort)0, (ushort)0));
        for (int i = 0; i < 100; i++)
        {
            harness.PumpOnce();
            Assert.False(client.TryReceive(out _));
        }

        harness.Function.State = RemoteFunctionState.Up;

        Assert.Equal(1, harness.Receive(client).Command);
    }

    [Fact]
    public void FunctionInOtherHands_TurnsTheClientAway()
    {
        using var harness = new FrontEndHarness();
        harness.Function.IsTaken = true;
        using TestClient client = harness.Connect();
        harness.ExpectClosed(client);

        harness.Function.IsTaken = false;

        harness.ExpectNextClientIsServed();
    }

    /// <summary>It may say nothing, hang in the middle of a message, or leave answers unread: others are served all the same.</summary>
    [Fact]
    public void ClientThatReadsNothing_IsBoundedAndHarmsNobody()
    {
        using var harness = new FrontEndHarness();
        using var other = new FrontEndHarness();
        using TestClient stalled = harness.ConnectAndNegotiate();
        using TestClient healthy = other.ConnectAndNegotiate();
        byte[] read = Message(1, 9, 0ul, 0u, 4096u);
        for (int i = 0; i < 100_000 && stalled.TrySend(read); i++)
        {
            harness.PumpOnce();
        }

        Assert.False(other.Ask(healthy, Message(2, 9, 0ul, 0u, 8u)).IsError);
        Assert.True(harness.FrontEnd.Counters.Messages < 10_000, "the server goes on taking requests of a client that takes no answers");

        stalled.Dispose();
        harness.ExpectNextClientIsServed();
    }

    [Fact]
    public void ClientThatGoesInTheMiddleOfAMessage_IsForgotten()
    {
        using var harness = new FrontEndHarness();
        byte[] message = Message(1, 10, 0ul, 0u, 8u, 1ul);
        foreach (int cut in new[] { 1, 15, 16, 17, 39 })
        {
            using (TestClient client = harness.ConnectAndNegotiate())
            {
                harness.Send(client, message[..cut]);
            }

            harness.ExpectNextClientIsServed();
        }

        Assert.Empty(harness.Function.Writes);
    }

    [Fact]
    public void ClientThatGoesWithReadsOpen_IsForgotten()
    {
        using var harness = new FrontEndHarness();
        harness.Function.HoldsReads = true;
        using (TestClient client = harness.ConnectAndNegotiate())
        {
            for (ushort i = 0; i < 200; i++)
            {
                harness.Send(client, Message(i, 9, 0ul, 0u, 8u));
            }

            harness.PumpUntil(() => harness.Function.HeldReads == 32, "as many reads as may be open");
        }

        harness.PumpUntil(() => harness.Function.Detachments == 1, "the detachment");
        harness.Function.HoldsReads = false;
        harness.ExpectNextClientIsServed();
    }

    [Fact]
    public void Stop_WithAClientThere_HangsUpAndLeavesTheFunction()
    {
        var harness = new FrontEndHarness();
        using TestClient client = harness.ConnectAndNegotiate();
        int memory = Descriptors.Memory(0x1000, Descriptors.SealShrink);
        Assert.False(harness.Ask(client, Message(2, 2, 32u, 3u, 0ul, 0ul, 0x1000ul), memory).IsError);
        Descriptors.Close(memory);

        harness.FrontEnd.Stop(harness.Now);

        Assert.False(client.TryReceive(out _));
        Assert.True(client.IsClosed);
        Assert.Equal(1, harness.Function.Detachments);
        Assert.False(File.Exists(harness.SocketPath));
        harness.Dispose();
    }

    [Fact]
    public void SocketLeftBehindByADeadProcess_IsTakenOver()
    {
        using var harness = new FrontEndHarness();
        string path = harness.SocketPath + ".dead";
        using (var dead = new System.Net.Sockets.Socket(System.Net.Sockets.AddressFamily.Unix, System.Net.Sockets.SocketType.Stream, 0))
        {
            dead.Bind(new System.Net.Sockets.UnixDomainSocketEndPoint(path));
            dead.Listen();
            File.Copy("/dev/null", path + ".keep");
            File.Move(path, path + ".moved");
        }

        File.Move(path + ".moved", path);
        using var frontEnd = VfioUserFrontEnd.Start(new VfioUserOptions { SocketPath = path }, new FakeFunction(), static () => { }, NullLogger.Instance);
        Assert.True(File.Exists(path));
    }

    [Fact]
    public void SocketServedByAnother_IsLeftAlone()
    {
        using var harness = new FrontEndHarness();

        IOException refusal = Assert.Throws<IOException>(() =>
            VfioUserFrontEnd.Start(new VfioUserOptions { SocketPath = harness.SocketPath }, new FakeFunction(), static () => { }, NullLogger.Instance));

        Assert.Contains("another process serves it", refusal.Message, StringComparison.Ordinal);
        harness.ExpectNextClientIsServed();
    }

    [Theory]
    [InlineData("/nonexistent/directory/socket")]
    [InlineData("/tmp/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")]
    public void PathThatCannotBe_IsRefusedWithTheReason(string path)
    {
        IOException refusal = Assert.Throws<IOException>(() =>
            VfioUserFrontEnd.Start(new VfioUserOptions { SocketPath = path }, new FakeFunction(), static () => { }, NullLogger.Instance));

        Assert.Contains(path, refusal.Message, StringComparison.Ordinal);
    }
}
