namespace PcieOe.Transport.Policies.NestedQos;

/// <summary>One tenant's buckets and waiting commands: a first-in first-out queue for each class and one for best effort.</summary>
internal sealed class NestedQosTenant
{
    private readonly TokenBucket[] _buckets;
    private readonly long[] _responses;
    private readonly CommandList[] _queues;
    private readonly WaitingCommand[] _table;
    private readonly double _bestEffortShare;
    private double _bestEffortDebt;

    internal NestedQosTenant(NestedQosTenantOptions options, WaitingCommand[] table, double weight, double bestEffortShare, long now)
    {
        Options = options;
        Weight = weight;
        _table = table;
        _bestEffortShare = bestEffortShare;
        _buckets = [.. options.Classes.Select(member => new TokenBucket(member.BurstUnits, member.UnitsPerSecond, now))];
        _responses = [.. options.Classes.Select(member => (long)(member.ResponseMilliseconds * 1e6)), long.MaxValue];
        _queues = [.. _responses.Select(_ => new CommandList())];
        Statistics = [.. options.Classes.Select((member, i) => new NestedQosClassStatistics(member.Name, _responses[i])), new NestedQosClassStatistics("best-effort", long.MaxValue)];
    }

    internal NestedQosTenantOptions Options { get; }

    internal double Weight { get; }

    /// <summary>A statistic for each class; the last is best effort's.</summary>
    internal NestedQosClassStatistics[] Statistics { get; }

    /// <summary>Start tag of fair queueing among tenants.</summary>
    internal double VirtualStart { get; set; }

    internal int WaitingCount { get; private set; }

    /// <summary>Started and not served yet.</summary>
    internal int Outstanding { get; set; }

    /// <summary>Its place in <see cref="TenantHeap"/>; negative while it is not there.</summary>
    internal int HeapIndex { get; set; } = TenantHeap.Absent;

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
        _queues[classIndex].Append(_table, entry);
        WaitingCount++;
    }

    /// <summary>Takes the entry that is to start next: earliest deadline first, with best effort's share set aside.</summary>
    internal int Dequeue()
    {
        int chosen = BestEffort;
        long earliest = long.MaxValue;
        for (int i = 0; i < BestEffort; i++)
        {
            if (!_queues[i].IsEmpty && _table[_queues[i].Head].Deadline < earliest)
            {
                earliest = _table[_queues[i].Head].Deadline;
                chosen = i;
            }
        }

        bool isBestEffortWaiting = !_queues[BestEffort].IsEmpty;
        if (chosen != BestEffort && isBestEffortWaiting && _bestEffortDebt >= _table[_queues[BestEffort].Head].Units)
        {
            chosen = BestEffort;
        }

        int entry = _queues[chosen].TakeFirst(_table);
        int units = _table[entry].Units;
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

    /// <summary>Moves commands that are void into a list of the caller's; what they were charged stays charged.</summary>
    internal int Withdraw(int owner, ulong? tag, ref CommandList removed)
    {
        int count = 0;
        foreach (ref CommandList queue in _queues.AsSpan())
        {
            count += queue.Remove(_table, owner, tag, ref removed);
        }

        WaitingCount -= count;
        return count;
    }
}
