using PcieOe.Host.Tests.FrontEnds.VfioUser.Harness;
using Xunit;
using static PcieOe.Host.Tests.FrontEnds.VfioUser.Harness.TestClient;

namespace PcieOe.Host.Tests.FrontEnds.VfioUser;

public sealed class DeviceResetTests
{
    private const int Busy = 16;
    private const int TimedOut = 110;

    [Fact]
    public void Reset_IsAnsweredWhenItIsDone()
    {
        using var harness = new FrontEndHarness();
        using TestClient client = harness.ConnectAndNegotiate();
        harness.Function.HoldsResets = true;
        harness.Send(client, Message(9, 13));
        harness.PumpUntil(() => harness.Function.Resets == 1, "the reset");
        Assert.False(harness.Ask(client, Message(10, 4, 16u, 0u, 0u, 0u)).IsError);

        harness.Function.Client!.OnResetCompleted(true, harness.Now);

        Reply reply = harness.Receive(client);
        Assert.Equal((9, 13, 1u, 0), (reply.Id, reply.Command, reply.Flags, reply.Payload.Length));
    }

    [Fact]
    public void ResetThatFails_IsAnError()
    {
        using var harness = new FrontEndHarness();
        using TestClient client = harness.ConnectAndNegotiate();
        harness.Function.HoldsResets = true;
        harness.Send(client, Message(9, 13));
        harness.PumpUntil(() => harness.Function.Resets == 1, "the reset");

        harness.Function.Client!.OnResetCompleted(false, harness.Now);

        Assert.Equal((9, TimedOut), (harness.Receive(client) is { IsError: true } reply ? (reply.Id, reply.Error) : default));
    }

    [Fact]
    public void SecondReset_DuringTheFirst_IsRefused()
    {
        using var harness = new FrontEndHarness();
        using TestClient client = harness.ConnectAndNegotiate();
        harness.Function.HoldsResets = true;
        harness.Send(client, Message(9, 13));

        harness.ExpectError(client, Busy, Message(10, 13));
        Assert.Equal(1, harness.Function.Resets);
    }

    [Fact]
    public void ClientThatGoesDuringAReset_LeavesNothingBehind()
    {
        using var harness = new FrontEndHarness();
        using (TestClient client = harness.ConnectAndNegotiate())
        {
            harness.Function.HoldsResets = true;
            harness.Send(client, Message(9, 13));
            harness.PumpUntil(() => harness.Function.Resets == 1, "the reset");
        }

        harness.Function.HoldsResets = false;
        using TestClient next = harness.ConnectAndNegotiate();
        Assert.Equal(3, harness.Ask(next, Message(3, 13)).Id);
    }
}
