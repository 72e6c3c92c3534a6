using PcieOe.Host.Interop;
using PcieOe.Host.RootComplex;
using PcieOe.Host.Tests.FrontEnds.VfioUser.Harness;
using Xunit;
using static PcieOe.Host.Tests.FrontEnds.VfioUser.Harness.TestClient;

namespace PcieOe.Host.Tests.FrontEnds.VfioUser;

public sealed class SetInterruptsTests
{
    private const int InvalidArgument = 22;
    private const uint NoData = 1;
    private const uint BoolData = 2;
    private const uint DescriptorData = 4;
    private const uint Mask = 8;
    private const uint Unmask = 0x10;
    private const uint Trigger = 0x20;
    private const uint MsiX = 2;

    [Fact]
    public void Descriptors_AreSignalledByTheirVectors()
    {
        using var harness = new FrontEndHarness();
        using TestClient client = harness.ConnectAndNegotiate();
        int[] events = [Descriptors.Event(), Descriptors.Event(), Descriptors.Event()];

        Reply reply = harness.Ask(client, Set(DescriptorData | Trigger, MsiX, 1, 3), events);
        Assert.Equal((false, 0), (reply.IsError, reply.Payload.Length));
        harness.Function.Client!.OnInterrupt(2, harness.Now);
        harness.Function.Client.OnInterrupt(2, harness.Now);
        harness.Function.Client.OnInterrupt(3, harness.Now);
        harness.Function.Client.OnInterrupt(0, harness.Now);
        harness.Function.Client.OnInterrupt(99, harness.Now);

        Assert.Equal([0ul, 2ul, 1ul], events.Select(Descriptors.Signals));
        Assert.Equal(2, harness.FrontEnd.Counters.InterruptsUnwanted);
        Assert.Equal(3, harness.FrontEnd.Counters.Interrupts);
        Descriptors.Close(events);
    }

    /// <summary>As QEMU enables MSI-X: first one vector without a descriptor, then descriptors, later further vectors one by one.</summary>
    [Fact]
    public void QemusWayOfEnabling_Works()
    {
        using var harness = new FrontEndHarness();
        using TestClient client = harness.ConnectAndNegotiate();
        int[] events = [Descriptors.Event(), Descriptors.Event()];

        Assert.False(harness.Ask(client, Set(DescriptorData | Trigger, MsiX, 0, 1)).IsError);
        Assert.False(harness.Ask(client, Set(DescriptorData | Trigger, MsiX, 0, 1), events[0]).IsError);
        Assert.False(harness.Ask(client, Set(DescriptorData | Trigger, MsiX, 4, 1), events[1]).IsError);
        harness.Function.Client!.OnInterrupt(0, harness.Now);
        harness.Function.Client.OnInterrupt(4, harness.Now);
        Assert.Equal([1ul, 1ul], events.Select(Descriptors.Signals));

        Assert.False(harness.Ask(client, Set(NoData | Trigger, MsiX, 0, 0)).IsError);
        harness.Function.Client.OnInterrupt(0, harness.Now);
        harness.Function.Client.OnInterrupt(4, harness.Now);
        Assert.Equal([0ul, 0ul], events.Select(Descriptors.Signals));
        Descriptors.Close(events);
    }

    [Fact]
    public void DescriptorsTakenAway_AreSignalledNoMore()
    {
        using var harness = new FrontEndHarness();
        using TestClient client = harness.ConnectAndNegotiate();
        int[] events = [Descriptors.Event(), Descriptors.Event()];
        Assert.False(harness.Ask(client, Set(DescriptorData | Trigger, MsiX, 0, 2), events).IsError);

        Assert.False(harness.Ask(client, Set(DescriptorData | Trigger, MsiX, 1, 1)).IsError);
        harness.Function.Client!.OnInterrupt(0, harness.Now);
        harness.Function.Client.OnInterrupt(1, harness.Now);

        Assert.Equal([1ul, 0ul], events.Select(Descriptors.Signals));
        Descriptors.Close(events);
    }

    [Fact]
    public void Trigger_ByHand_SignalsTheChosenVectors()
    {
        using var harness = new FrontEndHarness();
        using TestClient client = harness.ConnectAndNegotiate();
        int[] events = [Descriptors.Event(), Descriptors.Event(), Descriptors.Event()];
        Assert.False(harness.Ask(client, Set(DescriptorData | Trigger, MsiX, 0, 3), events).IsError);

        Assert.False(harness.Ask(client, Set(NoData | Trigger, MsiX, 1, 2)).IsError);
        Assert.Equal([0ul, 1ul, 1ul], events.Select(Descriptors.Signals));

        Assert.False(harness.Ask(client, Set(BoolData | Trigger, MsiX, 0, 3, [1, 0, 1])).IsError);
        Assert.Equal([1ul, 0ul, 1ul], events.Select(Descriptors.Signals));
        Descriptors.Close(events);
    }

    [Fact]
    public void MaskedVector_WaitsUntilItIsUnmasked()
    {
        using var harness = new FrontEndHarness();
        using TestClient client = harness.ConnectAndNegotiate();
        int[] events = [Descriptors.Event(), Descriptors.Event()];
        Assert.False(harness.Ask(client, Set(DescriptorData | Trigger, MsiX, 0, 2), events).IsError);

        Assert.False(harness.Ask(client, Set(NoData | Mask, MsiX, 0, 1)).IsError);
        harness.Function.Client!.OnInterrupt(0, harness.Now);
        harness.Function.Client.OnInterrupt(1, harness.Now);
        Assert.Equal([0ul, 1ul], events.Select(Descriptors.Signals));

        Assert.False(harness.Ask(client, Set(BoolData | Unmask, MsiX, 0, 2, [1, 0])).IsError);
        Assert.Equal([1ul, 0ul], events.Select(Descriptors.Signals));
        Assert.False(harness.Ask(client, Set(NoData | Unmask, MsiX, 0, 2)).IsError);
        Assert.Equal([0ul, 0ul], events.Select(Descriptors.Signals));
        Descriptors.Close(events);
    }

    [Fact]
    public void DeviceTakenAway_SignalsTheRequestInterrupt()
    {
        using var harness = new FrontEndHarness();
        using TestClient client = harness.ConnectAndNegotiate();
        int[] events = [Descriptors.Event(), Descriptors.Event()];
        Assert.False(harness.Ask(client, Set(DescriptorData | Trigger, 3, 0, 1), events[0]).IsError);
        Assert.False(harness.Ask(client, Set(DescriptorData | Trigger, 4, 0, 1), events[1]).IsError);

        harness.Function.Client!.OnStateChanged(RemoteFunctionState.Outage, harness.Now);
        Assert.Equal([0ul, 0ul], events.Select(Descriptors.Signals));
        harness.Function.Client.OnStateChanged(RemoteFunctionState.Gone, harness.Now);
        Assert.Equal([0ul, 1ul], events.Select(Descriptors.Signals));
        Descriptors.Close(events);
    }

    [Theory]
    [InlineData(0u, MsiX, 0u, 1u)] // nothing
    [InlineData(NoData, MsiX, 0u, 1u)] // no action
    [InlineData(Trigger, MsiX, 0u, 1u)] // no kind of data
    [InlineData(NoData | BoolData | Trigger, MsiX, 0u, 1u)] // two kinds
    [InlineData(NoData | Mask | Trigger, MsiX, 0u, 1u)] // two actions
    [InlineData(NoData | Trigger | 0x40, MsiX, 0u, 1u)] // an unknown flag
    [InlineData(NoData | Trigger, 5u, 0u, 0u)] // no such kind of interrupt
    [InlineData(NoData | Trigger, MsiX, 0u, 6u)] // too many
    [InlineData(NoData | Trigger, MsiX, 5u, 1u)] // beyond the last
    [InlineData(NoData | Trigger, MsiX, 0xFFFF_FFFFu, 2u)] // wraps around
    [InlineData(NoData | Trigger, MsiX, 1u, 0u)] // all, but from the second on
    [InlineData(NoData | Mask, MsiX, 0u, 0u)]
    [InlineData(DescriptorData | Trigger, MsiX, 0u, 0u)]
    [InlineData(DescriptorData | Mask, MsiX, 0u, 1u)]
    [InlineData(BoolData | Trigger, MsiX, 0u, 3u)] // its bytes are missing
    [InlineData(NoData | Trigger, 0u, 0u, 1u)] // INTx, of which there is none
    public void Nonsense_IsRefused(uint flags, uint index, uint start, uint count)
    {
        using var harness = new FrontEndHarness();
        using TestClient client = harness.ConnectAndNegotiate();

        harness.ExpectError(client, InvalidArgument, Set(flags, index, start, count));
    }

    [Fact]
    public void MessageCutShort_IsRefused()
    {
        using var harness = new FrontEndHarness();
        using TestClient client = harness.ConnectAndNegotiate();

        harness.ExpectError(client, InvalidArgument, Message(9, 8, 20u, 33u, 2u, 0u));
        harness.ExpectError(client, InvalidArgument, Message(9, 8, 19u, 33u, 2u, 0u, 1u));
    }

    /// <summary>An eventfd that blocks, its counter full, would stop the worker and with it every other function.</summary>
    [Fact]
    public void EventThatBlocks_IsFreedAndItsClientCutOff()
    {
        const int SetFlags = 4;
        using var harness = new FrontEndHarness();
        using TestClient client = harness.ConnectAndNegotiate();
        int blocking = Descriptors.Event(ulong.MaxValue - 1, isBlocking: true);
        Assert.False(harness.Ask(client, Set(DescriptorData | Trigger, MsiX, 0, 1), blocking).IsError);
        Assert.Equal(0, LibC.FileControl(blocking, SetFlags, 0));

        harness.Function.Client!.OnInterrupt(0, harness.Now); // hangs until the socket's thread looks

        harness.ExpectClosed(client);
        Assert.Equal(1, harness.FrontEnd.Counters.StuckEvents);
        harness.ExpectNextClientIsServed();
        Descriptors.Close(blocking);
    }

    private static byte[] Set(uint flags, uint index, uint start, uint count, byte[]? data = null) =>
        Message(9, 8, (uint)(20 + (data?.Length ?? 0)), flags, index, start, count, data ?? []);
}
