using PcieOe.FlashEndpoint.Media;
using PcieOe.FlashEndpoint.Media.Memory;
using PcieOe.FlashEndpoint.Tests.Harness;
using PcieOe.FlashEndpoint.Timing;
using Xunit;

namespace PcieOe.FlashEndpoint.Tests.Model;

/// <summary>10^6 random commands in soak mode (500 000 on each kind of medium), fewer otherwise.</summary>
public sealed class ModelTests
{
    [Fact]
    public void RandomCommands_OnMemoryWithFlashTimes_AgreeWithTheReference() =>
        Run(new MemoryMedium(2 << 20), new FlashTiming(FlashProfiles.LowLatency));

    [Fact]
    public void RandomCommands_OnASlowMedium_AgreeWithTheReference() =>
        Run(new SlowMedia(2 << 20) { AnswersByItself = false, MaximumPending = 4 }, NoFlashTiming.Instance);

    private static void Run(IBlockMedia media, IFlashTiming timing)
    {
        int seed = Environment.TickCount;
        int commands = TestMode.Scale(quick: 10_000, full: 50_000, soak: 500_000);
        try
        {
            using var driver = new ModelDriver(seed, media, timing);
            driver.Run(commands);
            Assert.True(driver.Resets > 0 && driver.Aborted > 0 && driver.Failed > 0, "The run met no reset, abort or failed read.");
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"Seed {seed}: {e.Message}", e);
        }
    }
}
