namespace PcieOe.FlashEndpoint.Timing;

/// <summary>The profile <c>none</c>: every command is done at once.</summary>
public sealed class NoFlashTiming : IFlashTiming
{
    public long Schedule(FlashOperation operation, long offset, long bytes, long now, out FlashTimes times)
    {
        times = default;
        return now;
    }
}
