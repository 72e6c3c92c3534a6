using PcieOe.Host.RootComplex;
using PcieOe.Host.Tests.FrontEnds.VfioUser.Harness;
using Xunit;
using static PcieOe.Host.Tests.FrontEnds.VfioUser.Harness.TestClient;

namespace PcieOe.Host.Tests.FrontEnds.VfioUser;

public sealed class RegionReadTests
{
    private const int InvalidArgument = 22;
    private const int TooBig = 7;

    [Theory]
    [InlineData(0ul, 1u)]
    [InlineData(3ul, 2u)]
    [InlineData(0x1Cul, 4u)]
    [InlineData(8ul, 8u)]
    [InlineData(0x3FFFul, 1u)]
    [InlineData(0xFFCul, 8u)] // across a boundary of 4 KiB
    [InlineData(0x123ul, 4096u)]
    [InlineData(0x1000ul, 4096u)]
    [InlineData(0x10ul, 0u)]
    public void Bar_IsRead(ulong offset, uint count)
    {
        using var harness = new FrontEndHarness();
        using TestClient client = harness.ConnectAndNegotiate();

        Reply reply = harness.Ask(client, Message(9, 9, offset, 0u, count));

        Assert.Equal((9, 9, 1u), (reply.Id, reply.Command, reply.Flags));
        Assert.Equal([.. Layout(offset, 0u, count), .. harness.Function.Bar0.AsSpan((int)offset, (int)count)], reply.Payload);
    }

    [Theory]
    [InlineData(0ul, 4096u)]
    [InlineData(0ul, 4u)]
    [InlineData(0x102ul, 2u)]
    [InlineData(0x101ul, 7u)]
    [InlineData(0xFFFul, 1u)]
    [InlineData(0ul, 0u)]
    public void Configuration_IsRead(ulong offset, uint count)
    {
        using var harness = new FrontEndHarness();
        using TestClient client = harness.ConnectAndNegotiate();

        Reply reply = harness.Ask(client, Message(9, 9, offset, 7u, count));

        Assert.Equal([.. Layout(offset, 7u, count), .. harness.Function.Configuration.AsSpan((int)offset, (int)count)], reply.Payload);
    }

    [Theory]
    [InlineData(9u, 0ul, 4u, InvalidArgument)] // no such region
    [InlineData(1u, 0ul, 4u, InvalidArgument)] // an empty one
    [InlineData(0u, 0x3FFEul, 4u, InvalidArgument)]
    [InlineData(0u, 0x4001ul, 0u, InvalidArgument)]
    [InlineData(0u, 0xFFFF_FFFF_FFFF_FFFFul, 4u, InvalidArgument)]
    [InlineData(7u, 0xFFEul, 4u, InvalidArgument)]
    [InlineData(0u, 0ul, 4097u, TooBig)]
    [InlineData(0u, 0ul, 0xFFFF_FFFFu, TooBig)]
    public void Nonsense_IsRefused(uint region, ulong offset, uint count, int error)
    {
        using var harness = new FrontEndHarness();
        using TestClient client = harness.ConnectAndNegotiate();

        harness.ExpectError(client, error, Message(9, 9, offset, region, count));
    }

    [Fact]
    public void MessageCutShort_IsRefused()
    {
        using var harness = new FrontEndHarness();
        using TestClient client = harness.ConnectAndNegotiate();

        harness.ExpectError(client, InvalidArgument, Message(9, 9, 0ul, 0u));
    }

    /// <summary>Whatever happens to the link, the client gets an answer of the right length, and the socket stays open.</summary>
    [Theory]
    [InlineData(RegionReadStatus.Substituted)]
    [InlineData(RegionReadStatus.Failed)]
    public void ReadTheFunctionCouldNotAnswer_GetsWhatTheBridgeGives(RegionReadStatus status)
    {
        using var harness = new FrontEndHarness { ReadStatus = status };
        using TestClient client = harness.ConnectAndNegotiate();

        Reply reply = harness.Ask(client, Message(9, 9, 0x1Cul, 0u, 4u));

        Assert.Equal([.. Layout(0x1Cul, 0u, 4u), .. harness.Function.Bar0.AsSpan(0x1C, 4)], reply.Payload);
        Assert.Equal(1, harness.FrontEnd.Counters.ReadsSubstituted + harness.FrontEnd.Counters.ReadsFailed);
    }

    [Fact]
    public void ManyReads_AtOnce_AreAllAnsweredInTime()
    {
        using var harness = new FrontEndHarness();
        using TestClient client = harness.ConnectAndNegotiate();
        for (ushort id = 0; id < 500; id++)
        {
            harness.Send(client, Message(id, 9, (ulong)(id * 8), 0u, 8u));
        }

        for (ushort id = 0; id < 500; id++)
        {
            Reply reply = harness.Receive(client);
            Assert.Equal([.. Layout((ulong)(reply.Id * 8), 0u, 8u), .. harness.Function.Bar0.AsSpan(reply.Id * 8, 8)], reply.Payload);
        }
    }

    /// <summary>Where the function takes no further read for a second, the client gets all ones rather than nothing.</summary>
    [Fact]
    public void ReadThatFindsNoRoom_IsAnsweredWithOnesAfterASecond()
    {
        using var harness = new FrontEndHarness();
        using TestClient client = harness.ConnectAndNegotiate();
        harness.Function.HasNoRoom = true;
        harness.Send(client, Message(9, 9, 0ul, 0u, 4u));
        harness.PumpUntil(() => harness.FrontEnd.NextDeadline == harness.Now + 1_000_000_000, "the blocked read");
        Assert.False(client.TryReceive(out _));

        harness.Now += 1_000_000_000;

        Assert.Equal([.. Layout(0ul, 0u, 4u), 0xFF, 0xFF, 0xFF, 0xFF], harness.Receive(client).Payload);
        harness.Function.HasNoRoom = false;
        Assert.Equal(harness.Function.Bar0.AsSpan(0, 4), harness.Ask(client, Message(9, 9, 0ul, 0u, 4u)).Payload.AsSpan(16));
        Assert.Equal(long.MaxValue, harness.FrontEnd.NextDeadline);
    }
}
