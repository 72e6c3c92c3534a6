using PcieOe.Host.NvmeDriver;
using PcieOe.Host.RootComplex;
using PcieOe.Protocol.Nvme;
using PcieOe.Protocol.Tlp;
using Xunit;

namespace PcieOe.Host.Tests.NvmeDriver;

/// <summary>A device that writes what it likes into the driver's queues.</summary>
public sealed class HostileControllerTests
{
    [Fact]
    public void CompletionEntries_Garbage_AreCountedAndHarmNothing()
    {
        NvmeDriverOptions options = new() { QueueEntries = 64, PoolBytes = 16 << 20 };
        using BlockDriverHarness harness = BlockDriverHarness.Ready(options);
        Assert.True(harness.Driver.Pool.TryAllocate(4096, out nint buffer));
        Random random = new(9);
        byte[] entry = new byte[CompletionEntry.SizeBytes];
        int rounds = Environment.GetEnvironmentVariable("PCIEOE_TEST_MODE") == "soak" ? 1_000_000 : 30_000;
        for (int round = 0; round < rounds; round++)
        {
            harness.Driver.TrySubmit(NvmeBlockDriverTests.Command(BlockOperation.Read, 3, 1, buffer), harness.Now);
            random.NextBytes(entry);
            ulong address = DmaPool.BusBase + (ulong)random.Next(64) * 4096 + (ulong)random.Next(256) * 16;
            byte[] tlp = new byte[12 + entry.Length];
            MemoryRequestHeader.Write(address, entry.Length, new RoutingId(1, 0, 0)).Write(tlp);
            entry.CopyTo(tlp, 12);
            harness.Port.OnTlps(tlp, 1, harness.Now);
            harness.Driver.Pump(harness.Now);
            harness.Port.Pump(harness.Now);
            harness.ToFunction.Clear();
        }

        Assert.True(harness.Driver.Counters.UnknownCompletions > 0);
        Assert.True(harness.Client.Completions <= harness.Driver.Counters.Submitted);

        // What it did to its own queues, a new session heals.
        harness.Connect(PcieOe.Protocol.Functions.FunctionResetKind.StateLost);
        harness.Advance(1_000);
        Assert.Equal(BlockDriverState.Ready, harness.Driver.State);
        Assert.Equal(0, harness.Driver.CommandsUnderWay);
        Assert.Equal(harness.Driver.Counters.Submitted, harness.Client.Completions);
    }

    [Fact]
    public void CompletionEntry_Twice_EndsTheCommandOnce()
    {
        using BlockDriverHarness harness = BlockDriverHarness.Ready(new NvmeDriverOptions { QueueEntries = 64, PoolBytes = 16 << 20 });
        Assert.True(harness.Driver.Pool.TryAllocate(4096, out nint buffer));
        LastWrite last = new(harness.Port);
        harness.Driver.TrySubmit(NvmeBlockDriverTests.Command(BlockOperation.Read, 3, 1, buffer), harness.Now);
        harness.Driver.Pump(harness.Now);
        harness.Port.Pump(harness.Now);
        harness.ToFunction.Deliver(harness.Bridge, harness.Now);
        harness.Bridge.OnTimer(harness.Now);
        harness.Bridge.Pump(harness.Now);
        harness.ToHost.Deliver(last, harness.Now);
        harness.Driver.Pump(harness.Now);
        Assert.Equal(1, harness.Client.Completions);

        // The same entry again, in the next place of the queue.
        (ulong address, byte[] data) = last.Entry;
        byte[] tlp = new byte[12 + data.Length];
        MemoryRequestHeader.Write(address + CompletionEntry.SizeBytes, data.Length, new RoutingId(1, 0, 0)).Write(tlp);
        data.CopyTo(tlp, 12);
        harness.Port.OnTlps(tlp, 1, harness.Now);
        harness.Driver.TrySubmit(NvmeBlockDriverTests.Command(BlockOperation.Read, 4, 1, buffer), harness.Now);
        harness.Driver.Pump(harness.Now);
        Assert.Equal(1, harness.Client.Completions);
        Assert.Equal(1, harness.Driver.Counters.UnknownCompletions);
    }

    private sealed class LastWrite(RootPort port) : PcieOe.Protocol.Link.ITlpSink
    {
        public (ulong Address, byte[] Data) Entry { get; private set; }

        public void OnTlps(ReadOnlySpan<byte> tlps, ulong frameNumber, long now)
        {
            port.OnTlps(tlps, frameNumber, now);
            while (TlpView.TryParse(tlps, out TlpView tlp))
            {
                tlps = tlps[tlp.TotalBytes..];
                Entry = tlp.Payload.Length == CompletionEntry.SizeBytes ? (tlp.Address, tlp.Payload.ToArray()) : Entry;
            }
        }
    }
}
