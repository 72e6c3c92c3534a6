using PcieOe.FlashEndpoint.Timing;

namespace PcieOe.FlashEndpoint.Tests.Harness;

/// <summary>Everything takes the same time; what was asked is recorded.</summary>
internal sealed class FixedTiming(long nanoseconds) : IFlashTiming
{
    public List<(FlashOperation Operation, long Offset, long Bytes, long Now)> Log { get; } = [];

    public void Schedule(FlashOperation operation, long offset, long bytes, long now, out FlashTimes times)
    {
        Log.Add((operation, offset, bytes, now));
        times = new FlashTimes
        {
            DoneNanoseconds = now + nanoseconds,
            QueueNanoseconds = nanoseconds / 2,
            CellNanoseconds = nanoseconds / 4,
            TransferNanoseconds = nanoseconds / 4,
        };
    }
}
