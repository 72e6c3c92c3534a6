namespace PcieOe.FlashEndpoint.Timing;

/// <summary>
/// When flash would have done something: a model of time alone, without data. Each call reserves channels and
/// dies from its time on, so the order of calls is the order of service.
/// </summary>
public interface IFlashTiming
{
    /// <param name="offset">In bytes, from the start of the medium.</param>
    /// <param name="bytes">0 for a flush.</param>
    /// <param name="now">Monotonic nanoseconds; never less than in the call before.</param>
    void Schedule(FlashOperation operation, long offset, long bytes, long now, out FlashTimes times);
}

/// <summary>What flash is asked to do.</summary>
public enum FlashOperation : byte
{
    Read,

    /// <summary>A write that is done as soon as the write buffer holds it.</summary>
    Write,

    /// <summary>A write with FUA: done when the cells hold it, unless the write buffer survives a power cut.</summary>
    WriteThrough,

    /// <summary>Done when everything buffered is in the cells, unless the write buffer survives a power cut.</summary>
    Flush,

    /// <summary>Deallocate and write zeroes: a change of the mapping.</summary>
    Deallocate,
}

/// <summary>When an operation is done, and what the time went to. The parts, along the page that was done last, add up to the time from now to done.</summary>
public struct FlashTimes
{
    /// <summary>Monotonic nanoseconds; now or earlier where it takes no time.</summary>
    public long DoneNanoseconds;

    /// <summary>Firmware, and waiting for it, for room in the write buffer, for a die, for a bus.</summary>
    public long QueueNanoseconds;

    /// <summary>Reading or programming cells.</summary>
    public long CellNanoseconds;

    /// <summary>On the flash bus.</summary>
    public long TransferNanoseconds;
}
