using PcieOe.Host.RootComplex;
using Xunit;

namespace PcieOe.Host.Tests.RootComplex;

public sealed unsafe class RootPortAllocationTests
{
    private const ulong Base = 0x20_0000;

    [Fact]
    public void SteadyState_ReadsWritesInterrupts_AllocateNothing()
    {
        byte[] memory = GC.AllocateArray<byte>(0x1_0000, pinned: true);
        using RootPortHarness harness = new();
        SilentClient client = new();
        harness.Port.Attach(client);
        harness.Establish();
        harness.EnableBusMaster();
        fixed (byte* start = memory)
        {
            harness.Port.Map(Base, (ulong)memory.Length, (nint)start, DmaAccess.ReadWrite);
            harness.Function.RecordsTraffic = false;
            byte[] entry = new byte[64];
            byte[] doorbell = new byte[4];
            Round(harness, entry, doorbell, 100);
            long before = GC.GetAllocatedBytesForCurrentThread();
            Round(harness, entry, doorbell, 10_000);
            Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        Assert.Equal(10_100, client.Reads);
        Assert.Equal(10_100, harness.Port.Counters.DmaReads);
    }

    private static void Round(RootPortHarness harness, byte[] entry, byte[] doorbell, int rounds)
    {
        for (int i = 0; i < rounds; i++)
        {
            harness.Port.TryWriteRegion(2, 0, entry, harness.Now);
            harness.Port.TryWriteRegion(0, 0x1000, doorbell, harness.Now);
            harness.Port.TryReadRegion(0, 0x1C, 4, 1, harness.Now);
            harness.Function.DmaRead(Base, 4096, 300);
            harness.Run();
        }
    }

    private sealed class SilentClient : IRemoteFunctionClient
    {
        public int Reads { get; private set; }

        public void OnRegionRead(ulong context, RegionReadStatus status, ReadOnlySpan<byte> data, long now) => Reads++;

        public void OnInterrupt(int vector, long now)
        {
        }

        public void OnStateChanged(RemoteFunctionState state, long now)
        {
        }

        public void OnReplaced(long now)
        {
        }

        public void OnResetCompleted(bool succeeded, long now)
        {
        }
    }
}
