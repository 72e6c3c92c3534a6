namespace PcieOe.Transport.Policies.NestedQos;

/// <summary>One tenant's buckets and waiting commands: a first-in first-out queue for each class and one for best effort.</summary>
internal sealed class NestedQosTenant
{
    private const int None = -1;

    private readonly TokenBucket[] _buckets;
    private readonly long[] _responses;
    private readonly int[] _heads;
    private readonly int[] _tails;
    private readonly WaitingCommand[] _entries;
    private readonly double _bestEffortShare;
    private double _bestEffortDebt;

    internal NestedQosTenant(NestedQosTenantOptions options, WaitingCommand[] entries, double weight, double bestEffortShare, long now)
    {
        Name = options.Name;
        Weight = weight;
        _entries = entries;
        _bestEffortShare = bestEffortShare;
        _buckets = [.. options.Classes.Select(member => new TokenBucket(member.BurstUnits, member.UnitsPerSecond, now))];
        _responses = [.. options.Classes.Select(member => (long)(member.ResponseMilliseconds * 1e6)), long.MaxValue];
        _heads = new int[_responses.Length];
        _tails = new int[_responses.Length];
        Array.Fill(_heads, None);
        Statistics = [.. options.Classes.Select((member, i) => new NestedQosClassStatistics(member.Name, _responses[i])), new NestedQosClassStatistics("best-effort", long.MaxValue)];
    }

    internal string Name { get; }

    internal double Weight { get; }

    /// <summary>A statistic for each class; the last is best effort's.</summary>
    internal NestedQosClassStatistics[] Statistics { get; }

    /// <summary>Start tag of fair queueing among tenants.</summary>
    internal double VirtualStart { get; set; }

    internal int WaitingCount { get; private set; }

    private int BestEffort => _responses.Length - 1;

    /// <summary>
    /// The tightest class whose envelope, and every wider one, has room for the command; the command is charged to all of them.
    /// </summary>
    internal int Classify(int units, long now)
    {
        int tightest = _buckets.Length;
        while (tightest > 0 && _buckets[tightest - 1].Holds(units, now))
        {
            tightest--;
        }

        for (int i = tightest; i < _buckets.Length; i++)
        {
            _buckets[i].Take(units);
        }

        return tightest;
    }

    internal long DeadlineOf(int classIndex, long arrival) =>
        classIndex == BestEffort ? long.MaxValue : arrival + _responses[classIndex];

    internal void Enqueue(int entry, int classIndex)
    {
        _entries[entry].Next = None;
        if (_heads[classIndex] == None)
        {
            _heads[classIndex] = entry;
        }
        else
        {
            _entries[_tails[classIndex]].Next = entry;
        }

        _tails[classIndex] = entry;
        WaitingCount++;
    }

    /// <summary>Takes the entry that is to start next: earliest deadline first, with best effort's share set aside.</summary>
    internal int Dequeue()
    {
        int chosen = BestEffort;
        long earliest = long.MaxValue;
        for (int i = 0; i < BestEffort; i++)
        {
            if (_heads[i] != None && _entries[_heads[i]].Deadline < earliest)
            {
                earliest = _entries[_heads[i]].Deadline;
                chosen = i;
            }
        }

        bool isBestEffortWaiting = _heads[BestEffort] != None;
        if (chosen != BestEffort && isBestEffortWaiting && _bestEffortDebt >= _entries[_heads[BestEffort]].Units)
        {
            chosen = BestEffort;
        }

        int entry = _heads[chosen];
        int units = _entries[entry].Units;
        _heads[chosen] = _entries[entry].Next;
        WaitingCount--;
        if (chosen == BestEffort)
        {
            _bestEffortDebt = Math.Max(0, _bestEffortDebt - units);
        }
        else if (isBestEffortWaiting)
        {
            _bestEffortDebt += units * _bestEffortShare / (1 - _bestEffortShare);
        }

        return entry;
    }
}

/// <summary>A command that waits for its start.</summary>
internal struct WaitingCommand
{
    internal ulong Tag;
    internal long Arrival;
    internal long Deadline;
    internal int Units;
    internal int Tenant;
    internal int Class;
    internal int Next;
}
