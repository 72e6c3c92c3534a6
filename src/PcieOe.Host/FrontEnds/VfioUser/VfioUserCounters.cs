using PcieOe.Host.FrontEnds.VfioUser.Wire;

namespace PcieOe.Host.FrontEnds.VfioUser;

/// <summary>
/// What the front end has counted since it started. Messages are what a client traps into: the counterpart of exits. The socket's thread
/// and the worker each write their own; anyone may read.
/// </summary>
public sealed class VfioUserCounters
{
    internal const int Kinds = 19;

    /// <summary>The protocol's names of the commands, from 1 on.</summary>
    public static IReadOnlyList<string> CommandNames { get; } =
    [
        "version", "dma_map", "dma_unmap", "device_get_info", "device_get_region_info", "device_get_region_io_fds", "device_get_irq_info",
        "device_set_irqs", "region_read", "region_write", "dma_read", "dma_write", "device_reset", "dirty_pages", "region_write_multi",
        "device_feature", "mig_data_read", "mig_data_write",
    ];

    private readonly long[] _messages = new long[Kinds];
    private readonly long[] _regionReads = new long[RegionIndex.Count];
    private readonly long[] _regionWrites = new long[RegionIndex.Count];

    public long Clients { get; internal set; }

    /// <summary>Messages of all kinds that came from clients.</summary>
    public long Messages { get; internal set; }

    /// <summary>Messages answered with an error.</summary>
    public long Errors { get; internal set; }

    /// <summary>Clients cut off, since what they sent was no protocol.</summary>
    public long Breakdowns { get; internal set; }

    /// <summary>Replies nobody had asked for.</summary>
    public long StrayReplies { get; internal set; }

    /// <summary>Clients that let an eventfd block the worker.</summary>
    public long StuckEvents { get; internal set; }

    public long DmaReads { get; internal set; }

    public long DmaWrites { get; internal set; }

    /// <summary>Doorbells found in mapped pages: those that took no message.</summary>
    public long MappedDoorbells { get; internal set; }

    /// <summary>Doorbells that came by message.</summary>
    public long TrappedDoorbells { get; internal set; }

    public long Interrupts { get; internal set; }

    public long InterruptsUnwanted { get; internal set; }

    /// <summary>Register reads answered from the function's description, since it could not be asked.</summary>
    public long ReadsSubstituted { get; internal set; }

    public long ReadsFailed { get; internal set; }

    public long WritesDropped { get; internal set; }

    /// <summary>Messages by the number of their command (1 to 18).</summary>
    public IReadOnlyList<long> ByCommand => _messages;

    /// <summary>Region reads by region (0 to 5 BARs, 7 configuration space).</summary>
    public IReadOnlyList<long> RegionReads => _regionReads;

    public IReadOnlyList<long> RegionWrites => _regionWrites;

    internal void CountMessage(Command command)
    {
        Messages++;
        if ((int)command < Kinds)
        {
            _messages[(int)command]++;
        }
    }

    internal void CountAccess(Command command, uint region) => (command == Command.RegionRead ? _regionReads : _regionWrites)[region]++;
}
