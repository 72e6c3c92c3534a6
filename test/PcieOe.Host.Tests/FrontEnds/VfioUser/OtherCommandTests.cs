using PcieOe.Host.Tests.FrontEnds.VfioUser.Harness;
using Xunit;
using static PcieOe.Host.Tests.FrontEnds.VfioUser.Harness.TestClient;

namespace PcieOe.Host.Tests.FrontEnds.VfioUser;

public sealed class OtherCommandTests
{
    private const int InvalidArgument = 22;
    private const int TooBig = 7;
    private const int NotImplemented = 38;

    [Theory]
    [InlineData(0)]
    [InlineData(11)] // only the server sends these
    [InlineData(12)]
    [InlineData(14)]
    [InlineData(15)] // not announced
    [InlineData(16)]
    [InlineData(17)]
    [InlineData(18)]
    [InlineData(19)]
    [InlineData(0x7FFF)]
    [InlineData(0xFFFF)]
    public void CommandThatIsNotServed_IsAnsweredAsSuch(int command)
    {
        using var harness = new FrontEndHarness();
        using TestClient client = harness.ConnectAndNegotiate();

        Reply reply = harness.Ask(client, Message(9, command, 1u, 2u, 3u, 4u));

        Assert.Equal((9, 0x21u, NotImplemented), (reply.Id, reply.Flags, reply.Error));
        Assert.False(harness.Ask(client, Message(10, 4, 16u, 0u, 0u, 0u)).IsError);
    }

    [Fact]
    public void MessageOfNoKnownType_IsRefused()
    {
        using var harness = new FrontEndHarness();
        using TestClient client = harness.ConnectAndNegotiate();

        Reply reply = harness.Ask(client, MessageWithFlags(9, 4, 2, 16u, 0u, 0u, 0u));

        Assert.Equal((9, InvalidArgument), (reply.Id, reply.Error));
    }

    [Theory]
    [InlineData(8193)]
    [InlineData(100_000)]
    [InlineData(1_000_000)]
    public void MessageLongerThanAnyCommand_IsRefusedAndTheNextOneIsFound(int payload)
    {
        using var harness = new FrontEndHarness();
        using TestClient client = harness.ConnectAndNegotiate();
        byte[] message = Message(9, 10, 0ul, 0u, (uint)(payload - 16), new byte[payload - 16]);

        // A piece at a time, since the socket's buffer is smaller.
        for (int at = 0; at < message.Length; at += 4096)
        {
            harness.Send(client, message[at..Math.Min(at + 4096, message.Length)]);
            long messages = harness.FrontEnd.Counters.Messages;
            harness.PumpOnce();
            Thread.Yield();
            Assert.True(harness.FrontEnd.Counters.Messages >= messages);
        }

        Reply reply = harness.Receive(client);
        Assert.Equal((9, TooBig), (reply.Id, reply.Error));
        Assert.False(harness.Ask(client, Message(10, 4, 16u, 0u, 0u, 0u)).IsError);
        Assert.Empty(harness.Function.Writes);
    }

    /// <summary>As SPDK does.</summary>
    [Fact]
    public void MessageIdAlwaysZero_IsNoObstacle()
    {
        using var harness = new FrontEndHarness();
        using TestClient client = harness.Connect();

        Assert.Equal((0, 1), Head(harness.Ask(client, Message(0, 1, (ushort)0, (ushort)0))));
        Assert.Equal((0, 4), Head(harness.Ask(client, Message(0, 4, 16u, 0u, 0u, 0u))));
        Assert.Equal((0, 9), Head(harness.Ask(client, Message(0, 9, 0ul, 0u, 8u))));
        Assert.Equal((0, 13), Head(harness.Ask(client, Message(0, 13))));

        static (int, int) Head(Reply reply) => (reply.Id, reply.Command);
    }

    [Fact]
    public void Messages_AreCountedByKind()
    {
        using var harness = new FrontEndHarness();
        using TestClient client = harness.ConnectAndNegotiate();
        harness.Ask(client, Message(0, 4, 16u, 0u, 0u, 0u));
        harness.Ask(client, Message(0, 9, 0ul, 0u, 8u));
        harness.Ask(client, Message(0, 9, 0ul, 7u, 8u));
        harness.Ask(client, Message(0, 0x1234));

        var counters = harness.FrontEnd.Counters;
        Assert.Equal((5, 1, 1, 2, 1), (counters.Messages, counters.ByCommand[1], counters.ByCommand[4], counters.ByCommand[9], counters.Errors));
        Assert.Equal((1, 1), (counters.RegionReads[0], counters.RegionReads[7]));
    }
}
