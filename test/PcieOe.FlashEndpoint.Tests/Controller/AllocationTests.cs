using PcieOe.FlashEndpoint.Media.Memory;
using PcieOe.FlashEndpoint.Pcie;
using PcieOe.FlashEndpoint.Tests.Harness;
using PcieOe.FlashEndpoint.Timing;
using Xunit;

namespace PcieOe.FlashEndpoint.Tests.Controller;

/// <summary>From the doorbell to the completion nothing is allocated, whatever the way data takes.</summary>
public sealed class AllocationTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Commands_InSteadyState_AllocateNothing(bool inMemoryBuffer)
    {
        var host = new QuietHost();
        using var function = new NvmeFunction(ControllerHarness.MakeOptions(1 << 20), new MemoryMedium(8 << 20), new FlashTiming(FlashProfiles.Tlc));
        host.Start(function, inMemoryBuffer);
        for (int i = 0; i < 2_000; i++)
        {
            host.RunOne(i);
        }

        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 20_000; i++)
        {
            host.RunOne(i);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.Equal(22_000, host.Completions);
    }
}
