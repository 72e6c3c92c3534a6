using PcieOe.Host.Tests.FrontEnds.VfioUser.Harness;
using Xunit;
using static PcieOe.Host.Tests.FrontEnds.VfioUser.Harness.TestClient;

namespace PcieOe.Host.Tests.FrontEnds.VfioUser;

public sealed class RegionWriteTests
{
    private const int InvalidArgument = 22;
    private const int TooBig = 7;
    private const uint NoReply = 0x10;

    [Theory]
    [InlineData(0ul, 1)]
    [InlineData(6ul, 2)]
    [InlineData(0x14ul, 4)]
    [InlineData(8ul, 8)]
    [InlineData(0xFF0ul, 4096)]
    [InlineData(0x10ul, 0)]
    public void Bar_IsWrittenAndTheHeadEchoed(ulong offset, int count)
    {
        using var harness = new FrontEndHarness();
        using TestClient client = harness.ConnectAndNegotiate();
        byte[] data = [.. Enumerable.Range(0, count).Select(static i => (byte)(i * 3 + 1))];

        Reply reply = harness.Ask(client, Message(9, 10, offset, 0u, (uint)count, data));

        Assert.Equal((9, 10, 1u), (reply.Id, reply.Command, reply.Flags));
        Assert.Equal(Layout(offset, 0u, (uint)count), reply.Payload);
        Assert.Equal(data, harness.Function.Bar0[(int)offset..((int)offset + count)]);
        Assert.Equal(count, harness.Function.Writes.Sum(static write => write.Data.Length));
    }

    [Fact]
    public void PostedWrites_AreCarriedOutInOrderAndNotAnswered()
    {
        using var harness = new FrontEndHarness();
        using TestClient client = harness.ConnectAndNegotiate();
        for (uint i = 0; i < 3000; i++)
        {
            harness.Send(client, MessageWithFlags((ushort)i, 10, NoReply, 0x1000ul, 0u, 4u, i));
            harness.PumpOnce();
        }

        Assert.Equal(9, harness.Ask(client, Message(9, 9, 0ul, 0u, 4u)).Id);

        Assert.Equal(Enumerable.Range(0, 3000), harness.Function.Writes.Select(static write => BitConverter.ToInt32(write.Data)));
        Assert.Equal(3000, harness.FrontEnd.Counters.RegionWrites[0]);
    }

    [Fact]
    public void Configuration_IsWrittenByDoublewordsWithByteEnables()
    {
        using var harness = new FrontEndHarness();
        using TestClient client = harness.ConnectAndNegotiate();

        Assert.Equal(Layout(4ul, 7u, 2u), harness.Ask(client, Message(9, 10, 4ul, 7u, 2u, (ushort)0x0406)).Payload);
        Assert.False(harness.Ask(client, Message(9, 10, 0x10ul, 7u, 4u, 0xFFFF_FFFFu)).IsError);
        Assert.False(harness.Ask(client, Message(9, 10, 0x41ul, 7u, 6u, new byte[] { 1, 2, 3, 4, 5, 6 })).IsError);

        Assert.Equal(
            [(4, 0x0406u, (byte)3), (0x10, 0xFFFF_FFFFu, (byte)0xF), (0x40, 0x0302_0100u, (byte)0xE), (0x44, 0x0006_0504u, (byte)7)],
            harness.Function.ConfigurationWrites);
    }

    [Theory]
    [InlineData(9u, 0ul, 4u, InvalidArgument)]
    [InlineData(2u, 0ul, 4u, InvalidArgument)]
    [InlineData(0u, 0x3FFEul, 4u, InvalidArgument)]
    [InlineData(0u, 0ul, 3u, InvalidArgument)] // more data than it says
    [InlineData(0u, 0ul, 5u, InvalidArgument)] // less
    [InlineData(0u, 0ul, 4097u, TooBig)]
    public void Nonsense_IsRefused(uint region, ulong offset, uint count, int error)
    {
        using var harness = new FrontEndHarness();
        using TestClient client = harness.ConnectAndNegotiate();

        harness.ExpectError(client, error, Message(9, 10, offset, region, count, 7u));
        harness.ExpectError(client, InvalidArgument, Message(9, 10, 0ul, 0u));

        Assert.Empty(harness.Function.Writes);
    }

    [Fact]
    public void PostedNonsense_IsCountedAndNotAnswered()
    {
        using var harness = new FrontEndHarness();
        using TestClient client = harness.ConnectAndNegotiate();

        harness.Send(client, MessageWithFlags(8, 10, NoReply, 0x3FFEul, 0u, 4u, 7u));

        Assert.Equal(9, harness.Ask(client, Message(9, 9, 0ul, 0u, 4u)).Id);
        Assert.Equal(1, harness.FrontEnd.Counters.Errors);
        Assert.Empty(harness.Function.Writes);
    }

    [Fact]
    public void WriteThatFindsNoRoom_IsDroppedAfterASecondAndThoseBehindItGoOn()
    {
        using var harness = new FrontEndHarness();
        using TestClient client = harness.ConnectAndNegotiate();
        harness.Function.HasNoRoom = true;
        harness.Send(client, Message(1, 10, 0ul, 0u, 4u, 1u));
        harness.Send(client, Message(2, 10, 4ul, 0u, 4u, 2u));
        harness.PumpUntil(() => harness.FrontEnd.NextDeadline != long.MaxValue, "the blocked write");

        harness.Now += 1_000_000_000;
        Assert.Equal(1, harness.Receive(client).Id);
        Assert.Equal(2, harness.Receive(client).Id);
        harness.Function.HasNoRoom = false;
        Assert.Equal(3, harness.Ask(client, Message(3, 10, 8ul, 0u, 4u, 3u)).Id);

        Assert.Equal([8ul], harness.Function.Writes.Select(static write => write.Offset));
        Assert.Equal(2, harness.FrontEnd.Counters.WritesDropped);
    }
}
