namespace PcieOe.FlashEndpoint.Timing;

/// <summary>The profile <c>none</c>: everything is done at once.</summary>
public sealed class NoFlashTiming : IFlashTiming
{
    public static NoFlashTiming Instance { get; } = new();

    public void Schedule(FlashOperation operation, long offset, long bytes, long now, out FlashTimes times) =>
        times = new FlashTimes { DoneNanoseconds = now };
}
