using PcieOe.Host.Bench;
using PcieOe.Host.Tests.NvmeDriver;
using PcieOe.Protocol.Functions;
using Xunit;

namespace PcieOe.Host.Tests.Bench;

public sealed class BenchRunnerTests
{
    /// <summary>The runtime allocates a little when it does something for the first time.</summary>
    private const int MostRuns = 10;

    [Fact]
    public async Task WorkloadWaitedFor_Ends_AllocatesNothingOnTheWorker()
    {
        using BlockDriverHarness harness = new(useBlockDevice: true);
        harness.Connect(FunctionResetKind.Conventional);
        long allocated = -1;
        for (int run = 0; run < MostRuns && allocated != 0; run++)
        {
            using Workload workload = new(new WorkloadOptions { Pattern = WorkloadPattern.RandomRead, WorkingSetBytes = 1 << 20, QueueDepth = 1 }, harness.Driver, harness.Hops, "host");
            Task waiting = BenchRunner.WaitAsync(workload, (_, _) => ValueTask.CompletedTask, CancellationToken.None);
            long before = GC.GetAllocatedBytesForCurrentThread();
            workload.OnDeviceEnded();
            allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            await waiting;
        }

        Assert.Equal(0, allocated);
    }
}
