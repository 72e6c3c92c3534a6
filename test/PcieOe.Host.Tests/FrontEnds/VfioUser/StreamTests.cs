using PcieOe.Host.Tests.FrontEnds.VfioUser.Harness;
using Xunit;
using static PcieOe.Host.Tests.FrontEnds.VfioUser.Harness.TestClient;

namespace PcieOe.Host.Tests.FrontEnds.VfioUser;

/// <summary>A stream has no message boundaries: every message in two pieces, cut at every byte, and many messages in one piece.</summary>
public sealed class StreamTests
{
    public static TheoryData<string> Commands => [.. Exchanges.Keys];

    private static Dictionary<string, (byte[] Message, bool HasDescriptor)> Exchanges { get; } = new()
    {
        ["DMA_MAP"] = (Message(0, 2, 32u, 3u, 0ul, 0x100000ul, 0x1000ul), true),
        ["DMA_UNMAP"] = (Message(0, 3, 24u, 2u, 0ul, 0ul), false),
        ["GET_INFO"] = (Message(0, 4, 16u, 0u, 0u, 0u), false),
        ["GET_REGION_INFO"] = (Message(0, 5, 64u, 0u, 0u, 0u, 0ul, 0ul), false),
        ["GET_REGION_IO_FDS"] = (Message(0, 6, 16u, 0u, 0u, 0u), false),
        ["GET_IRQ_INFO"] = (Message(0, 7, 16u, 0u, 2u, 0u), false),
        ["SET_IRQS"] = (Message(0, 8, 22u, 0x22u, 2u, 0u, 2u, new byte[] { 1, 0 }), false),
        ["REGION_READ"] = (Message(0, 9, 4ul, 0u, 8u), false),
        ["REGION_WRITE"] = (Message(0, 10, 4ul, 0u, 8u, 77ul), false),
        ["DEVICE_RESET"] = (Message(0, 13), false),
        ["unknown"] = (Message(0, 99, 1u, 2u, 3u), false),
        ["truncated"] = (Message(0, 9, 1u), false),
    };

    [Theory]
    [MemberData(nameof(Commands))]
    public void Message_CutAtEveryByte_IsAnsweredAsWhenWhole(string name)
    {
        (byte[] message, bool hasDescriptor) = Exchanges[name];
        using var harness = new FrontEndHarness(mapsDoorbells: true);
        using TestClient client = harness.ConnectAndNegotiate();
        int memory = Descriptors.Memory(0x1000, Descriptors.SealShrink);
        int[] descriptors = hasDescriptor ? [memory] : [];
        Reply whole = Ask(message.Length);
        for (int cut = 1; cut < message.Length; cut++)
        {
            Reply pieces = Ask(cut);
            Assert.Equal((whole.Id, whole.Command, whole.Flags, whole.Error), (pieces.Id, pieces.Command, pieces.Flags, pieces.Error));
            Assert.Equal(whole.Payload, pieces.Payload);
            Assert.Equal(whole.Descriptors.Length, pieces.Descriptors.Length);
        }

        Descriptors.Close(memory);

        Reply Ask(int cut)
        {
            harness.Send(client, message[..cut], descriptors);
            if (cut < message.Length)
            {
                // The first piece has been looked at when a later question of the test's own would have been, too.
                for (int i = 0; i < 3; i++)
                {
                    harness.PumpOnce();
                    Thread.Yield();
                }

                harness.Send(client, message[cut..]);
            }

            Reply reply = harness.Receive(client);
            Descriptors.Close(reply.Descriptors);
            if (hasDescriptor)
            {
                Assert.False(harness.Ask(client, Exchanges["DMA_UNMAP"].Message).IsError);
            }

            return reply;
        }
    }

    [Fact]
    public void Version_CutAtEveryByte_IsAnswered()
    {
        using var harness = new FrontEndHarness();
        byte[] message = Message(7, 1, (ushort)0, (ushort)0, "{\"capabilities\":{\"max_msg_fds\":8}}\0"u8.ToArray());
        for (int cut = 1; cut < message.Length; cut++)
        {
            using TestClient client = harness.Connect();
            harness.Send(client, message[..cut]);
            harness.PumpOnce();
            harness.Send(client, message[cut..]);
            Assert.Equal((7, 1, false), harness.Receive(client) is { } reply ? (reply.Id, reply.Command, reply.IsError) : default);
        }
    }

    [Fact]
    public void AllMessages_InOnePiece_AreAllAnswered()
    {
        using var harness = new FrontEndHarness();
        using TestClient client = harness.ConnectAndNegotiate();
        byte[][] messages = [.. Exchanges.Where(static pair => !pair.Value.HasDescriptor).Select(static pair => pair.Value.Message)];

        harness.Send(client, [.. messages.SelectMany(static message => message)]);

        int[] asked = [.. messages.Select(static message => (int)BitConverter.ToUInt16(message, 2)).Order()];
        Assert.Equal(asked, messages.Select(_ => harness.Receive(client).Command).Order());
    }

    /// <summary>The descriptor of the second message must not be taken for the first one's.</summary>
    [Fact]
    public void Descriptor_BehindAnotherMessage_GoesToItsOwn()
    {
        using var harness = new FrontEndHarness();
        using TestClient client = harness.ConnectAndNegotiate();
        int memory = Descriptors.Memory(0x2000, Descriptors.SealShrink);

        harness.Send(client, Message(1, 2, 32u, 3u, 0ul, 0x1000ul, 0x1000ul));
        harness.Send(client, Message(2, 2, 32u, 3u, 0ul, 0x2000ul, 0x1000ul), memory);
        harness.Send(client, Message(3, 2, 32u, 3u, 0ul, 0x3000ul, 0x1000ul));

        Assert.Equal([1, 2, 3], Enumerable.Range(0, 3).Select(_ => (int)harness.Receive(client).Id));
        Assert.Null(harness.Function.Window[0x2000].Client);
        Assert.NotNull(harness.Function.Window[0x1000].Client);
        Assert.NotNull(harness.Function.Window[0x3000].Client);
        Descriptors.Close(memory);
    }
}
