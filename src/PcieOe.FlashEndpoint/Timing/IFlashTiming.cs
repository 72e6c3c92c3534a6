namespace PcieOe.FlashEndpoint.Timing;

/// <summary>
/// Says when a command would be done if the medium were flash: a pure model without input, output or clock. Commands are handed over in
/// the order they start; each answer is final, so that the caller can hold the command in a queue ordered by target time.
/// One thread; no call allocates.
/// </summary>
public interface IFlashTiming
{
    /// <summary>
    /// Books a command on dies and buses. Returns when it is done: <paramref name="now"/> plus all parts of <paramref name="times"/>.
    /// </summary>
    /// <param name="offset">Bytes from the start of the medium; ignored for a flush.</param>
    /// <param name="bytes">Bytes that the command touches; ignored for a flush.</param>
    /// <param name="now">Monotonic nanoseconds, never less than at an earlier call.</param>
    long Schedule(FlashOperation operation, long offset, long bytes, long now, out FlashTimes times);
}

/// <summary>What a command does to the flash.</summary>
public enum FlashOperation : byte
{
    /// <summary>Read, compare and verify.</summary>
    Read,

    /// <summary>Done when the write buffer has the data, if there is one.</summary>
    Write,

    /// <summary>A write with forced unit access: done when the cells have the data, unless the buffer survives a power cut.</summary>
    WriteThrough,

    /// <summary>Done when the cells have everything that the buffer holds, unless it survives a power cut.</summary>
    Flush,

    /// <summary>Deallocate and write zeroes: a change of the mapping alone.</summary>
    Deallocate,
}

/// <summary>Where a command's time goes, along the page that was done last; nanoseconds.</summary>
public struct FlashTimes
{
    /// <summary>Work of the firmware on the command itself.</summary>
    public long FirmwareNanoseconds;

    /// <summary>Waiting: for the firmware, for room in the write buffer, for a die, for its channel's bus.</summary>
    public long QueueNanoseconds;

    /// <summary>Reading or programming the cells.</summary>
    public long CellNanoseconds;

    /// <summary>On the channel's bus.</summary>
    public long TransferNanoseconds;

    public readonly long TotalNanoseconds => FirmwareNanoseconds + QueueNanoseconds + CellNanoseconds + TransferNanoseconds;
}
