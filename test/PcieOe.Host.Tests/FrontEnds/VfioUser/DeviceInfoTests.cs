using PcieOe.Host.Tests.FrontEnds.VfioUser.Harness;
using Xunit;
using static PcieOe.Host.Tests.FrontEnds.VfioUser.Harness.TestClient;

namespace PcieOe.Host.Tests.FrontEnds.VfioUser;

public sealed class DeviceInfoTests
{
    private const int InvalidArgument = 22;

    [Theory]
    [InlineData(16u)]
    [InlineData(4096u)]
    public void Info_TellsAPciDeviceThatCanBeReset(uint argumentSize)
    {
        using var harness = new FrontEndHarness();
        using TestClient client = harness.ConnectAndNegotiate();

        Reply reply = harness.Ask(client, Message(9, 4, argumentSize, 0u, 0u, 0u));

        Assert.Equal((9, 4), (reply.Id, reply.Command));
        Assert.Equal(Layout(16u, 3u, 9u, 5u), reply.Payload);
    }

    [Fact]
    public void ArgumentTooSmall_IsRefused()
    {
        using var harness = new FrontEndHarness();
        using TestClient client = harness.ConnectAndNegotiate();

        harness.ExpectError(client, InvalidArgument, Message(9, 4, 15u, 0u, 0u, 0u));
        harness.ExpectError(client, InvalidArgument, Message(9, 4, 16u, 0u, 0u));
    }

    [Fact]
    public void QuestionWithoutReplyWanted_IsNotAnswered()
    {
        using var harness = new FrontEndHarness();
        using TestClient client = harness.ConnectAndNegotiate();

        harness.Send(client, MessageWithFlags(9, 4, 0x10, 16u, 0u, 0u, 0u));

        Assert.Equal(10, harness.Ask(client, Message(10, 4, 16u, 0u, 0u, 0u)).Id);
    }
}
