using PcieOe.Host.Tests.FrontEnds.VfioUser.Harness;
using Xunit;
using static PcieOe.Host.Tests.FrontEnds.VfioUser.Harness.TestClient;

namespace PcieOe.Host.Tests.FrontEnds.VfioUser;

public sealed class InterruptInfoTests
{
    private const int InvalidArgument = 22;

    [Theory]
    [InlineData(0u, 0u, 0u)] // INTx
    [InlineData(1u, 0u, 0u)] // MSI
    [InlineData(2u, 3u, (uint)FakeFunction.Vectors)] // MSI-X
    [InlineData(3u, 3u, 1u)] // error
    [InlineData(4u, 3u, 1u)] // request
    public void Interrupts_AreDescribed(uint index, uint flags, uint count)
    {
        using var harness = new FrontEndHarness();
        using TestClient client = harness.ConnectAndNegotiate();

        Assert.Equal(Layout(16u, flags, index, count), harness.Ask(client, Message(9, 7, 16u, 0u, index, 0u)).Payload);
    }

    [Fact]
    public void Nonsense_IsRefused()
    {
        using var harness = new FrontEndHarness();
        using TestClient client = harness.ConnectAndNegotiate();

        harness.ExpectError(client, InvalidArgument, Message(9, 7, 16u, 0u, 5u, 0u));
        harness.ExpectError(client, InvalidArgument, Message(9, 7, 15u, 0u, 2u, 0u));
        harness.ExpectError(client, InvalidArgument, Message(9, 7, 16u, 0u, 2u));
    }
}
