namespace PcieOe.FlashEndpoint.Timing;

/// <summary>Named parameter sets. The sources of the figures are in docs/flash-timing.md.</summary>
public static class FlashProfiles
{
    /// <summary>No flash times at all: commands are ready as soon as the medium is.</summary>
    public const string None = "none";

    /// <summary>A fast PCIe card with single-level cells of about 2011.</summary>
    public static FlashParameters Slc2011 { get; } = new()
    {
        Channels = 8,
        DiesPerChannel = 8,
        PlanesPerDie = 2,
        PageBytes = 4096,
        PagesPerBlock = 64,
        BitsPerCell = 1,
        ReadLsbNanoseconds = 25_000,
        ProgramNanoseconds = 220_000,
        EraseNanoseconds = 1_500_000,
        ChannelMegabytesPerSecond = 200,
        ChannelCommandNanoseconds = 500,
        FirmwareReadNanoseconds = 1_000,
        FirmwareWriteNanoseconds = 15_000,
        FirmwareOccupancyNanoseconds = 2_800,
        WriteBufferBytes = 8 << 20,
        WriteBufferIsPowerProtected = true,
        CellJitterPercent = 5,
    };

    /// <summary>A data-centre drive with three-dimensional triple-level cells of about 2018.</summary>
    public static FlashParameters Tlc { get; } = new()
    {
        Channels = 8,
        DiesPerChannel = 8,
        PlanesPerDie = 2,
        PageBytes = 16384,
        PagesPerBlock = 768,
        BitsPerCell = 3,
        ReadLsbNanoseconds = 40_000,
        ReadCsbNanoseconds = 50_000,
        ReadMsbNanoseconds = 60_000,
        ProgramNanoseconds = 660_000,
        EraseNanoseconds = 3_500_000,
        ChannelMegabytesPerSecond = 800,
        ChannelCommandNanoseconds = 300,
        FirmwareReadNanoseconds = 20_000,
        FirmwareWriteNanoseconds = 10_000,
        FirmwareOccupancyNanoseconds = 1_500,
        WriteBufferBytes = 64 << 20,
        WriteBufferIsPowerProtected = true,
        CellJitterPercent = 8,
        ReadRetriesPerMillion = 100,
        ReadRetryNanoseconds = 80_000,
    };

    /// <summary>A drive with low-latency single-level cells (Z-NAND, XL-Flash) of about 2019.</summary>
    public static FlashParameters LowLatency { get; } = new()
    {
        Channels = 16,
        DiesPerChannel = 4,
        PlanesPerDie = 2,
        IndependentPlaneReads = true,
        PageBytes = 4096,
        PagesPerBlock = 384,
        BitsPerCell = 1,
        ReadLsbNanoseconds = 3_000,
        ProgramNanoseconds = 100_000,
        EraseNanoseconds = 1_000_000,
        ChannelMegabytesPerSecond = 800,
        ChannelCommandNanoseconds = 200,
        FirmwareReadNanoseconds = 3_500,
        FirmwareWriteNanoseconds = 5_000,
        FirmwareOccupancyNanoseconds = 1_250,
        WriteBufferBytes = 64 << 20,
        WriteBufferIsPowerProtected = true,
        CellJitterPercent = 3,
    };

    /// <summary>All names, for messages and help texts.</summary>
    public static IReadOnlyList<string> Names { get; } = [None, "slc-2011", "tlc", "low-latency"];

    /// <summary>Finds a set by its name. <see cref="None"/> is a name without parameters: <paramref name="parameters"/> is then null.</summary>
    public static bool TryGet(string name, out FlashParameters? parameters)
    {
        parameters = name switch
        {
            "slc-2011" => Slc2011,
            "tlc" => Tlc,
            "low-latency" => LowLatency,
            _ => null,
        };
        return parameters is not null || name == None;
    }
}
