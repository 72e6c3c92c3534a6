namespace PcieOe.Host.Bench;

/// <summary>
/// The data of a verified workload: every unit that is written says whose it is, which, and of which generation; whatever is read is
/// compared with what was written last.
/// </summary>
internal sealed class WorkloadVerifier(string ownerName, long units)
{
    private readonly ulong _owner = BlockPattern.OwnerOf(ownerName);
    private readonly UnitStates _states = new(units);

    internal long Errors { get; private set; }

    /// <summary>Of these, units that held another host's data.</summary>
    internal long ForeignUnits { get; private set; }

    internal long VerifiedUnits { get; private set; }

    /// <summary>What a unit holds is known: it was written, and the write succeeded.</summary>
    internal bool IsKnown(long unit) => _states.IsKnown(unit);

    /// <summary>The first unit from here on that no command is under way for.</summary>
    internal long NextIdle(long unit) => _states.NextIdle(unit);

    /// <summary>Fills a buffer for a write; returns the generation that it writes.</summary>
    internal uint Fill(Span<byte> buffer, long unit)
    {
        uint generation = _states.NextGeneration();
        BlockPattern.Fill(buffer, _owner, unit, generation);
        return generation;
    }

    /// <summary>A command for the unit is under way.</summary>
    internal void Begin(long unit) => _states.Begin(unit);

    internal void EndWrite(long unit, uint generation, bool succeeded) => _states.EndWrite(unit, generation, succeeded);

    internal void EndRead(long unit, ReadOnlySpan<byte> data, bool succeeded)
    {
        if (succeeded && _states.IsKnown(unit))
        {
            PatternVerdict verdict = BlockPattern.Check(data, _owner, unit, _states.GenerationOf(unit));
            VerifiedUnits++;
            Errors += verdict == PatternVerdict.Right ? 0 : 1;
            ForeignUnits += verdict == PatternVerdict.Foreign ? 1 : 0;
        }

        _states.EndRead(unit);
    }
}
