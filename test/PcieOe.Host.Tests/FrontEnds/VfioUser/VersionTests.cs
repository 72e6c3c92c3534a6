using System.Text;
using System.Text.Json;
using PcieOe.Host.FrontEnds.VfioUser.Wire;
using PcieOe.Host.Tests.FrontEnds.VfioUser.Harness;
using Xunit;
using static PcieOe.Host.Tests.FrontEnds.VfioUser.Harness.TestClient;

namespace PcieOe.Host.Tests.FrontEnds.VfioUser;

public sealed class VersionTests
{
    private const int InvalidArgument = 22;

    /// <summary>As QEMU's client says it.</summary>
    private const string QemuCapabilities = """
        {"capabilities": {"migration": {"max_bitmap_size": 268435456, "pgsize": 4096}, "max_data_xfer_size": 1048576,
        "max_dma_maps": 65535, "max_msg_fds": 16, "pgsizes": 4096, "write_multiple": true}}
        """;

    [Theory]
    [InlineData("")]
    [InlineData("\0")]
    [InlineData("{}\0")]
    [InlineData("""{"capabilities":{}}""")]
    [InlineData("""{"unknown":[1,{"a":2}],"capabilities":{"max_msg_fds":8,"twin_socket":{"supported":true}}}""")]
    [InlineData(QemuCapabilities + "\0")]
    public void Version_WithAndWithoutCapabilities_IsAgreedOn(string capabilities)
    {
        using var harness = new FrontEndHarness();
        using TestClient client = harness.Connect();

        Reply reply = harness.Ask(client, Message(3, 1, (ushort)0, (ushort)0, Encoding.UTF8.GetBytes(capabilities)));

        Assert.Equal((3, 1, 1u), (reply.Id, reply.Command, reply.Flags));
        Assert.Equal(0u, reply.UInt32(0));
        Assert.Equal(0, reply.Payload[^1]);
        Assert.True(16 + reply.Payload.Length <= 214, "QEMU reads the reply into a buffer of 214 bytes");
        using var json = JsonDocument.Parse(reply.Payload.AsMemory(4, reply.Payload.Length - 5));
        JsonElement own = json.RootElement.GetProperty("capabilities");
        Assert.Equal(4096, own.GetProperty("max_data_xfer_size").GetInt32());
        Assert.False(own.TryGetProperty("write_multiple", out _));
    }

    [Theory]
    [InlineData("nonsense")]
    [InlineData("""{"capabilities":{"max_msg_fds":"many"}}""")]
    [InlineData("""{"capabilities":{"max_msg_fds":-1}}""")]
    [InlineData("""{"capabilities":{"max_msg_fds":1.5}}""")]
    [InlineData("""{"capabilities":7}""")]
    [InlineData("""{"capabilities":{"max_msg_fds":8}""")]
    [InlineData("""{"capabilities":{}} trailing""")]
    [InlineData("[]")]
    public void Version_WithMalformedCapabilities_IsRefusedAndEnds(string capabilities)
    {
        using var harness = new FrontEndHarness();
        using TestClient client = harness.Connect();

        harness.ExpectError(client, InvalidArgument, Message(3, 1, (ushort)0, (ushort)0, Encoding.UTF8.GetBytes(capabilities)));
        harness.ExpectClosed(client);
        harness.ExpectNextClientIsServed();
    }

    [Fact]
    public void Version_OfAnotherMajor_IsRefusedAndEnds()
    {
        using var harness = new FrontEndHarness();
        using TestClient client = harness.Connect();

        harness.ExpectError(client, InvalidArgument, Message(3, 1, (ushort)1, (ushort)0));
        harness.ExpectClosed(client);
    }

    [Fact]
    public void Version_OfALaterMinor_IsAnsweredWithTheServersOwn()
    {
        using var harness = new FrontEndHarness();
        using TestClient client = harness.Connect();

        Assert.Equal(0u, harness.Ask(client, Message(3, 1, (ushort)0, (ushort)7)).UInt32(0));
    }

    [Fact]
    public void Version_CutShort_IsRefusedAndEnds()
    {
        using var harness = new FrontEndHarness();
        using TestClient client = harness.Connect();

        harness.ExpectError(client, InvalidArgument, Message(3, 1, (ushort)0));
        harness.ExpectClosed(client);
    }

    [Fact]
    public void Version_SaidTwice_IsRefusedAndGoesOn()
    {
        using var harness = new FrontEndHarness();
        using TestClient client = harness.ConnectAndNegotiate();

        harness.ExpectError(client, InvalidArgument, Message(4, 1, (ushort)0, (ushort)0));
        Assert.False(harness.Ask(client, Message(5, 4, 16u, 0u, 0u, 0u)).IsError);
    }

    [Fact]
    public void AnotherCommand_BeforeVersion_IsRefusedAndEnds()
    {
        using var harness = new FrontEndHarness();
        using TestClient client = harness.Connect();

        harness.ExpectError(client, InvalidArgument, Message(4, 4, 16u, 0u, 0u, 0u));
        harness.ExpectClosed(client);
        harness.ExpectNextClientIsServed();
    }

    [Fact]
    public void Capabilities_OfTheClient_AreRead()
    {
        Assert.True(Capabilities.TryParse(Encoding.UTF8.GetBytes(QemuCapabilities), out Capabilities capabilities));
        Assert.Equal(new Capabilities(16, 1048576), capabilities);
        Assert.True(Capabilities.TryParse(default, out capabilities));
        Assert.Equal(new Capabilities(1, 1048576), capabilities);
    }
}
