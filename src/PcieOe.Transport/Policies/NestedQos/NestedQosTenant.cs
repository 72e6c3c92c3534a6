namespace PcieOe.Transport.Policies.NestedQos;

/// <summary>One tenant's buckets and waiting commands: a first-in first-out queue for each class and one for best effort.</summary>
internal sealed class NestedQosTenant
{
    private readonly TokenBucket[] _buckets;
    private readonly long[] _responses;
    private readonly CommandList[] _queues;
    private readonly WaitingCommand[] _table;

    internal NestedQosTenant(NestedQosTenantOptions options, WaitingCommand[] table, long now)
    {
        Options = options;
        _table = table;
        _buckets = [.. options.Classes.Select(member => new TokenBucket(member.BurstUnits, member.UnitsPerSecond, now))];
        _responses = [.. options.Classes.Select(NanosecondsOf), long.MaxValue];
        _queues = [.. _responses.Select(_ => new CommandList())];
        Statistics = [.. options.Classes.Select((member, i) => new NestedQosClassStatistics(member.Name, _responses[i])), new NestedQosClassStatistics("best-effort", long.MaxValue)];
    }

    internal NestedQosTenantOptions Options { get; private set; }

    /// <summary>A statistic for each class; the last is best effort's.</summary>
    internal NestedQosClassStatistics[] Statistics { get; }

    /// <summary>Commands that wait and conform to a class.</summary>
    internal int ConformingWaiting { get; private set; }

    internal bool IsBestEffortWaiting => !_queues[BestEffort].IsEmpty;

    /// <summary>Cost of the best effort command that would start next. While one waits.</summary>
    internal int NextBestEffortUnits => _table[_queues[BestEffort].Head].Units;

    /// <summary>Started and not served yet.</summary>
    internal int Outstanding { get; set; }

    /// <summary>What stands for a class where a command has none.</summary>
    internal int BestEffort => _responses.Length - 1;

    /// <summary>Gives the classes other figures; as many classes as before. What waits keeps its class and its deadline.</summary>
    internal void Change(NestedQosTenantOptions options, long now)
    {
        Options = options;
        for (int i = 0; i < _buckets.Length; i++)
        {
            NestedQosClassOptions member = options.Classes[i];
            _buckets[i].Change(member.BurstUnits, member.UnitsPerSecond, now);
            _responses[i] = NanosecondsOf(member);
            Statistics[i].ResponseNanoseconds = _responses[i];
        }
    }

    /// <summary>Tells the command's class, and counts it there.</summary>
    internal int OnArrival(int units, long arrival)
    {
        int classIndex = Classify(units, arrival);
        NestedQosClassStatistics statistics = Statistics[classIndex];
        statistics.Arrivals++;
        statistics.UnitsArrived += units;
        return classIndex;
    }

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
        _queues[classIndex].Append(_table, entry);
        if (classIndex != BestEffort)
        {
            ConformingWaiting++;
        }
    }

    /// <summary>Takes, of those that conform, the entry with the earliest deadline. While one waits.</summary>
    internal int DequeueConforming()
    {
        int chosen = 0;
        long earliest = long.MaxValue;
        for (int i = 0; i < BestEffort; i++)
        {
            if (!_queues[i].IsEmpty && _table[_queues[i].Head].Deadline < earliest)
            {
                earliest = _table[_queues[i].Head].Deadline;
                chosen = i;
            }
        }

        ConformingWaiting--;
        return _queues[chosen].TakeFirst(_table);
    }

    internal int DequeueBestEffort() => _queues[BestEffort].TakeFirst(_table);

    /// <summary>Moves commands that are void into a list of the caller's; what they were charged stays charged.</summary>
    internal int Withdraw(int owner, ulong? tag, ref CommandList removed)
    {
        int conforming = 0;
        for (int i = 0; i < BestEffort; i++)
        {
            conforming += _queues[i].Remove(_table, owner, tag, ref removed);
        }

        ConformingWaiting -= conforming;
        return conforming + _queues[BestEffort].Remove(_table, owner, tag, ref removed);
    }

    private static long NanosecondsOf(NestedQosClassOptions member) => (long)(member.ResponseMilliseconds * 1e6);
}
