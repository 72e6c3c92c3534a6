namespace PcieOe.FlashEndpoint.Timing;

/// <summary>
/// What the flash model is made of: geometry, cell and bus times, firmware, write buffer. A set is immutable; <see cref="FlashTiming.Reconfigure"/>
/// changes a running model to another one. Where the figures of the built-in sets come from: docs/flash-timing.md.
/// </summary>
public sealed record FlashParameters
{
    /// <summary>Buses between the controller and the flash packages; each moves one page's data at a time.</summary>
    public int Channels { get; init; } = 8;

    /// <summary>Dies (logical units) on each channel; each runs one array operation at a time, or one for each plane when reads are independent.</summary>
    public int DiesPerChannel { get; init; } = 8;

    public int PlanesPerDie { get; init; } = 1;

    /// <summary>Whether the planes of a die can read different pages at different times. Programs and erases always take the whole die.</summary>
    public bool IndependentPlaneReads { get; init; }

    /// <summary>Bytes of user data in one page of one plane.</summary>
    public int PageBytes { get; init; } = 16384;

    /// <summary>Pages in a block of one plane: the die owes an erase each time so many pages were programmed in each of its planes.</summary>
    public int PagesPerBlock { get; init; } = 768;

    /// <summary>1 (SLC), 2 (MLC) or 3 (TLC). Pages that share a word line are read with different times, and are programmed together.</summary>
    public int BitsPerCell { get; init; } = 1;

    /// <summary>Array time of reading a lower page (least significant bit).</summary>
    public long ReadLsbNanoseconds { get; init; }

    /// <summary>Array time of reading a middle page (central significant bit); only with 3 bits per cell.</summary>
    public long ReadCsbNanoseconds { get; init; }

    /// <summary>Array time of reading an upper page (most significant bit); only with 2 or 3 bits per cell.</summary>
    public long ReadMsbNanoseconds { get; init; }

    /// <summary>Array time of one program of all pages of a word line in all planes.</summary>
    public long ProgramNanoseconds { get; init; }

    public long EraseNanoseconds { get; init; }

    /// <summary>Rate of one channel, 10^6 bytes a second.</summary>
    public int ChannelMegabytesPerSecond { get; init; } = 800;

    /// <summary>Command and address cycles before each transfer on a channel.</summary>
    public long ChannelCommandNanoseconds { get; init; }

    /// <summary>Time the firmware adds to each read, without holding up other commands.</summary>
    public long FirmwareReadNanoseconds { get; init; }

    /// <summary>Time the firmware adds to each write, flush and deallocation, without holding up other commands.</summary>
    public long FirmwareWriteNanoseconds { get; init; }

    /// <summary>How long each command keeps the firmware from looking at the next: the limit of the commands per second.</summary>
    public long FirmwareOccupancyNanoseconds { get; init; }

    /// <summary>Bytes that writes may be ahead of the cells; 0 for no buffer: a write is then done when it is programmed.</summary>
    public long WriteBufferBytes { get; init; }

    /// <summary>Whether flush and forced unit access are done once the data is in the buffer, as with capacitors behind it.</summary>
    public bool WriteBufferIsPowerProtected { get; init; }

    /// <summary>Cell times vary by up to this many percent up and down, in a triangle around their value.</summary>
    public int CellJitterPercent { get; init; }

    /// <summary>How many of 1,000,000 page reads need another attempt with shifted voltages.</summary>
    public int ReadRetriesPerMillion { get; init; }

    /// <summary>Cell time that such an attempt adds.</summary>
    public long ReadRetryNanoseconds { get; init; }

    /// <summary>Seed of jitter and retries: the same commands at the same times get the same target times.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>Bytes that one program of a die takes: all planes, all bits of the word line.</summary>
    public long ProgramUnitBytes => (long)PageBytes * PlanesPerDie * BitsPerCell;

    /// <summary>Adds one sentence to <paramref name="mistakes"/> for each value that makes no sense.</summary>
    public void Validate(ICollection<string> mistakes)
    {
        ArgumentNullException.ThrowIfNull(mistakes);
        InRange(nameof(Channels), Channels, 1, 256);
        InRange(nameof(DiesPerChannel), DiesPerChannel, 1, 256);
        InRange(nameof(PlanesPerDie), PlanesPerDie, 1, 16);
        InRange(nameof(PageBytes), PageBytes, 512, 1 << 20);
        InRange(nameof(PagesPerBlock), PagesPerBlock, 1, 1 << 20);
        InRange(nameof(BitsPerCell), BitsPerCell, 1, 3);
        foreach ((string name, long value) in Times())
        {
            InRange(name, value, 0, MaximumTimeNanoseconds);
        }

        InRange(nameof(ChannelMegabytesPerSecond), ChannelMegabytesPerSecond, 1, 1_000_000);
        InRange(nameof(CellJitterPercent), CellJitterPercent, 0, 100);
        InRange(nameof(ReadRetriesPerMillion), ReadRetriesPerMillion, 0, 1_000_000);
        InRange(nameof(WriteBufferBytes), WriteBufferBytes, 0, 1L << 40);
        if (WriteBufferBytes > 0 && WriteBufferBytes < ProgramUnitBytes)
        {
            mistakes.Add($"{nameof(WriteBufferBytes)} is {WriteBufferBytes}: less than one program ({ProgramUnitBytes} bytes) can never be collected; use 0 for no buffer.");
        }

        if ((long)PageBytes % 512 != 0)
        {
            mistakes.Add($"{nameof(PageBytes)} is {PageBytes}: must be a multiple of 512.");
        }

        void InRange(string name, long value, long minimum, long maximum)
        {
            if (value < minimum || value > maximum)
            {
                mistakes.Add($"{name} is {value}: must be {minimum} to {maximum}.");
            }
        }
    }

    /// <summary>No single operation of flash takes seconds; sums stay far from overflow.</summary>
    private const long MaximumTimeNanoseconds = 10_000_000_000;

    private (string Name, long Value)[] Times() =>
    [
        (nameof(ReadLsbNanoseconds), ReadLsbNanoseconds),
        (nameof(ReadCsbNanoseconds), ReadCsbNanoseconds),
        (nameof(ReadMsbNanoseconds), ReadMsbNanoseconds),
        (nameof(ProgramNanoseconds), ProgramNanoseconds),
        (nameof(EraseNanoseconds), EraseNanoseconds),
        (nameof(ChannelCommandNanoseconds), ChannelCommandNanoseconds),
        (nameof(FirmwareReadNanoseconds), FirmwareReadNanoseconds),
        (nameof(FirmwareWriteNanoseconds), FirmwareWriteNanoseconds),
        (nameof(FirmwareOccupancyNanoseconds), FirmwareOccupancyNanoseconds),
        (nameof(ReadRetryNanoseconds), ReadRetryNanoseconds),
    ];
}
