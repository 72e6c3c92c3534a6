using PcieOe.Host.Tests.FrontEnds.VfioUser.Harness;
using Xunit;
using static PcieOe.Host.Tests.FrontEnds.VfioUser.Harness.TestClient;

namespace PcieOe.Host.Tests.FrontEnds.VfioUser;

public sealed class DmaUnmapTests
{
    private const int InvalidArgument = 22;
    private const int NoEntry = 2;

    [Fact]
    public void ExactRange_IsWithdrawnAndEchoed()
    {
        using var harness = new FrontEndHarness();
        using TestClient client = WithTwoRanges(harness);

        Reply reply = harness.Ask(client, Message(5, 3, 24u, 0u, 0x1000ul, 0x2000ul));

        Assert.Equal(Layout(24u, 0u, 0x1000ul, 0x2000ul), reply.Payload);
        Assert.Equal([0x8000ul], harness.Function.Window.Keys);
    }

    [Theory]
    [InlineData(0x1000ul, 0x1000ul)]
    [InlineData(0x2000ul, 0x1000ul)]
    [InlineData(0x0ul, 0x10000ul)]
    [InlineData(0x5000ul, 0x1000ul)]
    public void InexactRange_IsRefused(ulong address, ulong length)
    {
        using var harness = new FrontEndHarness();
        using TestClient client = WithTwoRanges(harness);

        harness.ExpectError(client, NoEntry, Message(5, 3, 24u, 0u, address, length));

        Assert.Equal(2, harness.Function.Window.Count);
    }

    [Fact]
    public void All_WithdrawsEveryRange()
    {
        using var harness = new FrontEndHarness();
        using TestClient client = WithTwoRanges(harness);

        Reply reply = harness.Ask(client, Message(5, 3, 24u, 2u, 0ul, 0ul));

        Assert.Equal(Layout(24u, 2u, 0ul, 0x3000ul), reply.Payload);
        Assert.Empty(harness.Function.Window);
    }

    [Theory]
    [InlineData(24u, 1u, 0x1000ul, 0x2000ul)] // dirty bitmap
    [InlineData(24u, 2u, 0x1000ul, 0x2000ul)] // all, and yet a range
    [InlineData(23u, 0u, 0x1000ul, 0x2000ul)]
    public void Nonsense_IsRefused(uint argumentSize, uint flags, ulong address, ulong length)
    {
        using var harness = new FrontEndHarness();
        using TestClient client = WithTwoRanges(harness);

        harness.ExpectError(client, InvalidArgument, Message(5, 3, argumentSize, flags, address, length));

        Assert.Equal(2, harness.Function.Window.Count);
    }

    [Fact]
    public void MessageCutShort_IsRefused()
    {
        using var harness = new FrontEndHarness();
        using TestClient client = WithTwoRanges(harness);

        harness.ExpectError(client, InvalidArgument, Message(5, 3, 24u, 0u, 0x1000ul));
    }

    [Fact]
    public void DescriptorAlong_AsSpdkSendsIt_IsPassedOver()
    {
        using var harness = new FrontEndHarness();
        using TestClient client = WithTwoRanges(harness);
        int memory = Descriptors.Memory(0x1000);

        Assert.False(harness.Ask(client, Message(0, 3, 24u, 0u, 0x1000ul, 0x2000ul), memory).IsError);

        Descriptors.Close(memory);
    }

    [Fact]
    public void MapsAndUnmaps_Pipelined_AreCarriedOutInOrder()
    {
        using var harness = new FrontEndHarness();
        using TestClient client = harness.ConnectAndNegotiate();
        int memory = Descriptors.Memory(0x10000, Descriptors.SealShrink);
        for (int round = 0; round < 20; round++)
        {
            harness.Send(client, Message((ushort)(round * 3), 2, 32u, 3u, 0ul, 0x1000ul, 0x2000ul), memory);
            harness.Send(client, Message((ushort)(round * 3 + 1), 3, 24u, 0u, 0x1000ul, 0x2000ul));
            harness.Send(client, Message((ushort)(round * 3 + 2), 2, 32u, 3u, 0ul, 0x10000ul + (ulong)round * 0x1000, 0x1000ul), memory);
        }

        for (int id = 0; id < 60; id++)
        {
            Reply reply = harness.Receive(client);
            Assert.Equal((id, false), (reply.Id, reply.IsError));
        }

        Assert.Equal(20, harness.Function.Window.Count);
        Descriptors.Close(memory);
    }

    private static TestClient WithTwoRanges(FrontEndHarness harness)
    {
        TestClient client = harness.ConnectAndNegotiate();
        int memory = Descriptors.Memory(0x4000, Descriptors.SealShrink);
        Assert.False(harness.Ask(client, Message(2, 2, 32u, 3u, 0ul, 0x1000ul, 0x2000ul), memory).IsError);
        Assert.False(harness.Ask(client, Message(3, 2, 32u, 3u, 0ul, 0x8000ul, 0x1000ul), memory).IsError);
        Descriptors.Close(memory);
        return client;
    }
}
