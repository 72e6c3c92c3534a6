using PcieOe.Host.Tests.FrontEnds.VfioUser.Harness;
using Xunit;
using static PcieOe.Host.Tests.FrontEnds.VfioUser.Harness.TestClient;

namespace PcieOe.Host.Tests.FrontEnds.VfioUser;

public sealed class RegionInfoTests
{
    private const int InvalidArgument = 22;

    [Theory]
    [InlineData(0u, 3u, 0x4000ul)]
    [InlineData(1u, 0u, 0ul)]
    [InlineData(5u, 0u, 0ul)]
    [InlineData(6u, 0u, 0ul)]
    [InlineData(7u, 3u, 0x1000ul)]
    [InlineData(8u, 0u, 0ul)]
    public void Region_WithoutMappableAreas_IsDescribed(uint index, uint flags, ulong length)
    {
        using var harness = new FrontEndHarness();
        using TestClient client = harness.ConnectAndNegotiate();

        Reply reply = harness.Ask(client, Message(9, 5, 32u, 0u, index, 0u, 0ul, 0ul));

        Assert.Equal(Layout(32u, flags, index, 0u, length, 0ul), reply.Payload);
        Assert.Empty(reply.Descriptors);
    }

    [Fact]
    public void MappableRegion_AskedWithAShortArgument_SaysHowMuchItTakes()
    {
        using var harness = new FrontEndHarness(mapsDoorbells: true);
        using TestClient client = harness.ConnectAndNegotiate();

        Reply reply = harness.Ask(client, Message(9, 5, 32u, 0u, 0u, 0u, 0ul, 0ul));

        Assert.Equal(Layout(64u, 0xFu, 0u, 32u, 0x4000ul, 0ul), reply.Payload);
        Assert.Empty(reply.Descriptors);
    }

    [Theory]
    [InlineData(64u)]
    [InlineData(4064u)] // as SPDK asks
    public void MappableRegion_AskedWithRoom_GivesItsAreaAndADescriptor(uint argumentSize)
    {
        using var harness = new FrontEndHarness(mapsDoorbells: true);
        using TestClient client = harness.ConnectAndNegotiate();

        Reply reply = harness.Ask(client, Message(9, 5, argumentSize, 0u, 0u, 0u, 0ul, 0ul));

        byte[] expected = Layout(64u, 0xFu, 0u, 32u, 0x4000ul, 0ul, (ushort)1, (ushort)1, 0u, 1u, 0u, 0x1000ul, 0x1000ul);
        Assert.Equal(expected, reply.Payload);
        Descriptors.Close(Assert.Single(reply.Descriptors));
    }

    [Theory]
    [InlineData(9u, 32u)]
    [InlineData(0xFFFF_FFFFu, 32u)]
    [InlineData(0u, 31u)]
    public void Nonsense_IsRefused(uint index, uint argumentSize)
    {
        using var harness = new FrontEndHarness();
        using TestClient client = harness.ConnectAndNegotiate();

        harness.ExpectError(client, InvalidArgument, Message(9, 5, argumentSize, 0u, index, 0u, 0ul, 0ul));
        harness.ExpectError(client, InvalidArgument, Message(9, 5, 32u, 0u, 0u, 0u, 0ul));
    }

    [Fact]
    public void IoDescriptors_AreNone()
    {
        using var harness = new FrontEndHarness();
        using TestClient client = harness.ConnectAndNegotiate();

        Assert.Equal(Layout(16u, 0u, 0u, 0u), harness.Ask(client, Message(9, 6, 16u, 0u, 0u, 0u)).Payload);
        harness.ExpectError(client, InvalidArgument, Message(9, 6, 15u, 0u, 0u, 0u));
        harness.ExpectError(client, InvalidArgument, Message(9, 6, 16u, 1u, 0u, 0u));
        harness.ExpectError(client, InvalidArgument, Message(9, 6, 16u, 0u, 9u, 0u));
        harness.ExpectError(client, InvalidArgument, Message(9, 6, 16u, 0u, 0u, 1u));
        harness.ExpectError(client, InvalidArgument, Message(9, 6, 16u, 0u, 0u));
    }
}
