using PcieOe.Host.Interop;
using PcieOe.Host.Tests.FrontEnds.VfioUser.Harness;
using Xunit;
using static PcieOe.Host.Tests.FrontEnds.VfioUser.Harness.TestClient;

namespace PcieOe.Host.Tests.FrontEnds.VfioUser;

/// <summary>
/// A client as SPDK's is: no JSON, every message with id 0, a doorbell page it must be able to map, huge unsealed memory at high addresses,
/// no interrupts, a descriptor with its DMA_UNMAP.
/// </summary>
public sealed unsafe class SpdkStyleTests
{
    private const ulong Address = 0x2000_0020_0000;
    private const int MemoryBytes = 0x20_0000;

    [Fact]
    public void WholeLife_FromConnectToDisconnect_Works()
    {
        using var harness = new FrontEndHarness(mapsDoorbells: true, trustsUnsealedMemory: true);
        Assert.EndsWith("/cntrl", harness.SocketPath, StringComparison.Ordinal);
        int memory = Descriptors.Memory(MemoryBytes);
        using (TestClient client = harness.Connect())
        {
            Assert.Equal(0u, harness.Ask(client, Message(0, 1, (ushort)0, (ushort)0)).UInt32(0));
            Assert.Equal(9u, harness.Ask(client, Message(0, 4, 16u, 0u, 0u, 0u)).UInt32(8));
            for (uint region = 1; region < 9; region++)
            {
                Assert.Equal(32u, harness.Ask(client, RegionInfo(region)).UInt32(0));
            }

            Reply bar0 = harness.Ask(client, RegionInfo(0));
            int page = Assert.Single(bar0.Descriptors);
            Assert.Equal((0x1000ul, 0x1000ul), (bar0.UInt64(48), bar0.UInt64(56)));
            using NativeMemoryRange doorbells = NativeMemoryRange.TryMapFile(page, bar0.UInt64(24) + 0x1000, 0x1000, isWritable: true, out _)!;
            Descriptors.Close(page);

            Assert.False(harness.Ask(client, Message(0, 10, 4ul, 7u, 2u, (ushort)0x0406)).IsError);
            Assert.False(harness.Ask(client, Message(0, 2, 32u, 3u, 0ul, Address, (ulong)MemoryBytes), memory).IsError);
            Assert.NotEqual(0, harness.Function.Window[Address].Memory);
            harness.Function.Memory(Address + 0x10_0000, 0x2_0000).Fill(0xAB);
            Assert.All(Descriptors.Read(memory, 0x10_0000, 0x2_0000), static value => Assert.Equal(0xAB, value));

            *(uint*)doorbells.Pointer = 1;
            harness.PumpOnce();
            Assert.Equal([(0x1000ul, 1u)], harness.Function.Writes.Select(static write => (write.Offset, BitConverter.ToUInt32(write.Data))));

            harness.Function.Client!.OnInterrupt(0, harness.Now);
            Assert.False(harness.Ask(client, Message(0, 3, 24u, 0u, Address, (ulong)MemoryBytes), memory).IsError);
            Assert.Empty(harness.Function.Window);
            Assert.False(harness.Ask(client, Message(0, 13)).IsError);
        }

        harness.PumpUntil(() => harness.Function.Detachments == 1, "the detachment");
        Descriptors.Close(memory);
    }

    private static byte[] RegionInfo(uint region) => Message(0, 5, 4064u, 0u, region, 0u, 0ul, 0ul, new byte[4064 - 32]);
}
