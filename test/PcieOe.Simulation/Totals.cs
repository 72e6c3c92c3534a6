namespace PcieOe.Simulation;

/// <summary>What the seeds contained, so that a run shows that it tried something.</summary>
public sealed class Totals
{
    public long Tlps { get; set; }

    /// <summary>Commands whose data, entry and interrupt have come in this order.</summary>
    public long Commands { get; set; }

    public long Frames { get; set; }

    public long Lost { get; set; }

    public long Retransmits { get; set; }

    public long Duplicates { get; set; }

    public long Reorderings { get; set; }

    /// <summary>Frames that more than 64 later ones had overtaken.</summary>
    public long FarReorderings { get; set; }

    public long Corruptions { get; set; }

    public long SendFailures { get; set; }

    public long Cuts { get; set; }

    public long Restarts { get; set; }

    public long Rekeys { get; set; }

    public long Sessions { get; set; }

    public long SessionsLost { get; set; }

    public long Outages { get; set; }

    public long Resumptions { get; set; }

    public long SequenceWraps { get; set; }

    public IEnumerable<(string Name, long Count)> All =>
    [
        ("TLPs delivered", Tlps), ("commands ended", Commands), ("frames sent", Frames), ("frames lost", Lost), ("retransmits", Retransmits),
        ("duplicates", Duplicates), ("reorderings", Reorderings), ("reorderings over 64 frames", FarReorderings),
        ("corruptions", Corruptions), ("send failures", SendFailures), ("cuts", Cuts), ("restarts", Restarts), ("rekeys", Rekeys),
        ("sessions", Sessions), ("sessions lost and reported", SessionsLost), ("outages", Outages), ("resumptions", Resumptions),
        ("sequence numbers wrapped", SequenceWraps),
    ];

    public void Add(Totals other)
    {
        Tlps += other.Tlps;
        Commands += other.Commands;
        Frames += other.Frames;
        Lost += other.Lost;
        Retransmits += other.Retransmits;
        Duplicates += other.Duplicates;
        Reorderings += other.Reorderings;
        FarReorderings += other.FarReorderings;
        Corruptions += other.Corruptions;
        SendFailures += other.SendFailures;
        Cuts += other.Cuts;
        Restarts += other.Restarts;
        Rekeys += other.Rekeys;
        Sessions += other.Sessions;
        SessionsLost += other.SessionsLost;
        Outages += other.Outages;
        Resumptions += other.Resumptions;
        SequenceWraps += other.SequenceWraps;
    }
}
