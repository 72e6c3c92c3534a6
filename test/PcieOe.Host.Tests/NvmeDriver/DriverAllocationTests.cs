using PcieOe.Host.NvmeDriver;
using Xunit;

namespace PcieOe.Host.Tests.NvmeDriver;

public sealed class DriverAllocationTests
{
    [Theory]
    [InlineData(8 << 20)]
    [InlineData(0)]
    public void SteadyState_ReadsAndWrites_AllocateNothing(int memoryBufferBytes)
    {
        using BlockDriverHarness harness = BlockDriverHarness.Ready(memoryBufferBytes: memoryBufferBytes);
        Assert.True(harness.Driver.Pool.TryAllocate(128 * 1024, out nint buffer));
        Work(harness, buffer, 2_000);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Work(harness, buffer, 20_000);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.Equal(22_000, harness.Client.Completions);
        Assert.Equal(0, harness.Client.Errors);
    }

    private static void Work(BlockDriverHarness harness, nint buffer, int commands)
    {
        for (int done = 0; done < commands;)
        {
            for (int i = 0; i < 20; i++, done++)
            {
                BlockOperation operation = (BlockOperation)(done % 2);
                uint blocks = done % 10 == 0 ? 32u : 1;
                harness.Driver.TrySubmit(NvmeBlockDriverTests.Command(operation, (ulong)(done % 1000), blocks, buffer), harness.Now);
            }

            harness.Run();
        }
    }
}
