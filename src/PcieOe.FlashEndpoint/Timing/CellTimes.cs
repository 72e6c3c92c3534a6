namespace PcieOe.FlashEndpoint.Timing;

/// <summary>Array times with their jitter and retries, drawn from a seeded sequence of its own (SplitMix64).</summary>
internal sealed class CellTimes
{
    private readonly long[] _reads;
    private readonly long _program;
    private readonly long _erase;
    private readonly double _jitter;
    private readonly uint _retriesPerMillion;
    private readonly long _retry;
    private ulong _state;

    public CellTimes(FlashParameters parameters)
    {
        _reads = parameters.BitsPerCell switch
        {
            1 => [parameters.ReadLsbNanoseconds],
            2 => [parameters.ReadLsbNanoseconds, parameters.ReadMsbNanoseconds],
            _ => [parameters.ReadLsbNanoseconds, parameters.ReadCsbNanoseconds, parameters.ReadMsbNanoseconds],
        };
        _program = parameters.ProgramNanoseconds;
        _erase = parameters.EraseNanoseconds;
        _jitter = parameters.CellJitterPercent / 100.0;
        _retriesPerMillion = (uint)parameters.ReadRetriesPerMillion;
        _retry = parameters.ReadRetryNanoseconds;
        _state = parameters.Seed;
    }

    public void ContinueFrom(CellTimes previous) => _state = previous._state;

    public long Read(int bit)
    {
        long time = Vary(_reads[bit]);
        return _retriesPerMillion > 0 && Next() % 1_000_000 < _retriesPerMillion ? time + Vary(_retry) : time;
    }

    public long Program() => Vary(_program);

    public long Erase() => Vary(_erase);

    /// <summary>The difference of two even numbers is spread in a triangle around 0.</summary>
    private long Vary(long time)
    {
        if (_jitter == 0)
        {
            return time;
        }

        ulong random = Next();
        double deviation = ((double)(uint)random - (uint)(random >> 32)) / (1L << 32);
        return time + (long)(time * _jitter * deviation);
    }

    private ulong Next()
    {
        _state += 0x9E3779B97F4A7C15;
        ulong mixed = _state;
        mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9;
        mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB;
        return mixed ^ (mixed >> 31);
    }
}
