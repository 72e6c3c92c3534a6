using PcieOe.Host.RootComplex;

namespace PcieOe.Host.FrontEnds.VfioUser.Worker;

/// <summary>What the worker's half counts. It alone writes; others may read at any time.</summary>
internal sealed class WorkerCounters
{
    /// <summary>Doorbells found in a mapped page.</summary>
    public long MappedDoorbells { get; set; }

    /// <summary>Doorbells that came by message.</summary>
    public long TrappedDoorbells { get; set; }

    /// <summary>Region reads that the function did not answer in time: its description did.</summary>
    public long ReadsSubstituted { get; set; }

    public long ReadsFailed { get; set; }

    /// <summary>Region writes that found no room for too long.</summary>
    public long WritesDropped { get; set; }

    /// <summary>Interrupts for vectors without an eventfd.</summary>
    public long InterruptsUnwanted { get; set; }

    public void Count(RegionReadStatus status)
    {
        ReadsSubstituted += status == RegionReadStatus.Substituted ? 1 : 0;
        ReadsFailed += status == RegionReadStatus.Failed ? 1 : 0;
    }

    public void CopyTo(VfioUserCounters counters)
    {
        counters.MappedDoorbells = MappedDoorbells;
        counters.TrappedDoorbells = TrappedDoorbells;
        counters.ReadsSubstituted = ReadsSubstituted;
        counters.ReadsFailed = ReadsFailed;
        counters.WritesDropped = WritesDropped;
        counters.InterruptsUnwanted = InterruptsUnwanted;
    }
}
