namespace PcieOe.Host.Bench;

/// <summary>What a verified workload knows of each unit: the generation it must hold, and whether a command is at it right now.</summary>
internal sealed class UnitStates(long units)
{
    private const uint Unknown = 0;

    private readonly uint[] _generations = new uint[units];
    private readonly bool[] _busy = new bool[units];
    private uint _lastGeneration;

    internal bool IsKnown(long unit) => _generations[unit] != Unknown;

    internal uint GenerationOf(long unit) => _generations[unit];

    /// <summary>A generation that no write had before.</summary>
    internal uint NextGeneration() => ++_lastGeneration;

    /// <summary>The first unit at or behind one that no command is at: commands under way together have no order.</summary>
    internal long NextIdle(long unit)
    {
        while (_busy[unit])
        {
            unit = unit + 1 == _busy.Length ? 0 : unit + 1;
        }

        return unit;
    }

    internal void Begin(long unit) => _busy[unit] = true;

    internal void EndRead(long unit) => _busy[unit] = false;

    /// <summary>A write that failed may have happened or not: the unit is not checked until it is written again.</summary>
    internal void EndWrite(long unit, uint generation, bool succeeded)
    {
        _busy[unit] = false;
        _generations[unit] = succeeded ? generation : Unknown;
    }
}
