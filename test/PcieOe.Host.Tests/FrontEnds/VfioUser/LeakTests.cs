using PcieOe.Host.Tests.FrontEnds.VfioUser.Harness;
using Xunit;
using static PcieOe.Host.Tests.FrontEnds.VfioUser.Harness.TestClient;

namespace PcieOe.Host.Tests.FrontEnds.VfioUser;

/// <summary>What clients pass in is let go of. Counts what the whole process has open, so it runs beside nothing else.</summary>
[Collection(nameof(AllocationTests))]
public sealed class LeakTests
{
    private const int InvalidArgument = 22;
    private const uint DescriptorData = 4;
    private const uint Trigger = 0x20;
    private const uint MsiX = 2;

    [Fact]
    public void Mappings_AfterTheClientHasGone_LeaveNothingOpen()
    {
        using var harness = new FrontEndHarness();
        harness.ExpectNextClientIsServed();
        harness.PumpUntil(() => harness.Function.Detachments == 1, "the first client's detachment");
        int before = Descriptors.OpenCount;
        int memory = Descriptors.Memory(0x10000);
        using (TestClient client = harness.ConnectAndNegotiate())
        {
            for (uint i = 0; i < 10; i++)
            {
                Assert.False(harness.Ask(client, Message((ushort)i, 2, 32u, 3u, 0ul, i * 0x1000ul, 0x1000ul), memory).IsError);
            }

            harness.ExpectError(client, InvalidArgument, Message(22, 2, 32u, 9u, 0ul, 0x100000ul, 0x1000ul), memory);
        }

        Descriptors.Close(memory);
        harness.PumpUntil(() => harness.Function.Detachments == 2, "the second client's detachment");
        harness.PumpUntil(() => Descriptors.OpenCount == before, "that all descriptors are closed");
    }

    [Fact]
    public void UnmappedMemory_IsLetGoOf()
    {
        using var harness = new FrontEndHarness();
        using TestClient client = harness.ConnectAndNegotiate();
        int memory = Descriptors.Memory(0x123000, Descriptors.SealShrink);
        Assert.False(harness.Ask(client, Message(1, 2, 32u, 3u, 0ul, 0ul, 0x123000ul), memory).IsError);
        int mapped = Maps();

        Assert.False(harness.Ask(client, Message(2, 3, 24u, 0u, 0ul, 0x123000ul)).IsError);

        Assert.Equal((1, 0), (mapped, Maps()));
        Descriptors.Close(memory);

        static int Maps() => File.ReadLines("/proc/self/maps").Count(static line => line.Contains("memfd:test", StringComparison.Ordinal));
    }

    [Fact]
    public void DescriptorsThatDoNotFit_AreRefusedAndClosed()
    {
        using var harness = new FrontEndHarness();
        using TestClient client = harness.ConnectAndNegotiate();
        int[] events = [Descriptors.Event(), Descriptors.Event()];
        int memory = Descriptors.Memory(4096);
        int before = Descriptors.OpenCount;

        harness.ExpectError(client, InvalidArgument, Set(DescriptorData | Trigger, MsiX, 0, 1), events);
        harness.ExpectError(client, InvalidArgument, Set(DescriptorData | Trigger, MsiX, 0, 3), events);
        harness.ExpectError(client, InvalidArgument, Set(DescriptorData | Trigger, MsiX, 0, 2), events[0], memory);

        Assert.Equal(before, Descriptors.OpenCount);
        Descriptors.Close([.. events, memory]);
    }

    [Fact]
    public void Descriptors_OfAClientThatHasGone_AreClosed()
    {
        using var harness = new FrontEndHarness();
        harness.ExpectNextClientIsServed();
        harness.PumpUntil(() => harness.Function.Detachments == 1, "the first client's detachment");
        int before = Descriptors.OpenCount;
        int[] events = [Descriptors.Event(), Descriptors.Event()];
        using (TestClient client = harness.ConnectAndNegotiate())
        {
            Assert.False(harness.Ask(client, Set(DescriptorData | Trigger, MsiX, 0, 2), events).IsError);
            Assert.False(harness.Ask(client, Set(DescriptorData | Trigger, MsiX, 0, 2), events).IsError);
        }

        Descriptors.Close(events);
        harness.PumpUntil(() => Descriptors.OpenCount == before, "that all descriptors are closed");
    }

    private static byte[] Set(uint flags, uint index, uint start, uint count) => Message(9, 8, 20u, flags, index, start, count);
}
