namespace PcieOe.Transport.Policies.NestedQos;

/// <summary>
/// Decides which command starts when (DESIGN D6a): classification at arrival, earliest deadline first within a tenant, fair queueing
/// among tenants by weight, and as many at the endpoint as it serves without a queue of its own. No I/O, no clock; one thread; nothing
/// allocates after construction. A decision costs O(log tenants + classes).
/// </summary>
/// <remarks>It does not know what a command is: callers name theirs by a tag. It never reorders what has started.</remarks>
public sealed class NestedQosScheduler : IDisposable
{
    public const int MaximumClasses = 8;

    // Lets a poll round that came late catch up on starts, without letting a long idle time turn into a burst.
    private const long PaceSlackNanoseconds = 200_000;
    private const int None = -1;

    private readonly NestedQosOptions _options;
    private readonly NestedQosTenant[] _tenants;
    private readonly WaitingCommand[] _entries;
    private readonly TenantHeap _heap;
    private int _free;
    private int _outstanding;
    private long _nextStart = long.MinValue;
    private double _virtualTime;

    /// <exception cref="ArgumentException">The options have mistakes (<see cref="NestedQosOptions.Validate"/>).</exception>
    public NestedQosScheduler(NestedQosOptions options, long now)
    {
        IReadOnlyList<string> mistakes = options.Validate();
        if (mistakes.Count != 0)
        {
            throw new ArgumentException(string.Join(' ', mistakes), nameof(options));
        }

        _options = options;
        _entries = new WaitingCommand[options.MaximumWaiting];
        for (int i = 0; i < _entries.Length; i++)
        {
            _entries[i].Next = i + 1 < _entries.Length ? i + 1 : None;
        }

        double smallest = options.Tenants.Select(tenant => tenant.NestedCapacity).Where(capacity => capacity > 0).DefaultIfEmpty(1).Min();
        _tenants = [.. options.Tenants.Select(tenant =>
            new NestedQosTenant(tenant, _entries, tenant.Weight ?? (tenant.NestedCapacity > 0 ? tenant.NestedCapacity : smallest), options.BestEffortShare, now))];
        _heap = new TenantHeap(_tenants);
    }

    public int TenantCount => _tenants.Length;

    public int Outstanding => _outstanding;

    public int Waiting { get; private set; }

    public string NameOf(int tenant) => _tenants[tenant].Name;

    /// <summary>What each class of a tenant got; the last is best effort's.</summary>
    public IReadOnlyList<NestedQosClassStatistics> StatisticsOf(int tenant) => _tenants[tenant].Statistics;

    /// <summary>When <see cref="TryStart"/> may succeed though nothing completes before; <see cref="long.MaxValue"/> for not before then.</summary>
    public long NextDeadline => Waiting == 0 || _outstanding >= _options.MaximumOutstanding ? long.MaxValue
        : _options.CapacityUnitsPerSecond is null ? long.MinValue : _nextStart;

    /// <summary>A command arrives. False: as many wait as may; the caller holds it back and tries again.</summary>
    public bool TryEnqueue(int tenant, int units, ulong tag, long arrival, long now)
    {
        if (_free == None)
        {
            return false;
        }

        NestedQosTenant owner = _tenants[tenant];
        int entry = _free;
        ref WaitingCommand command = ref _entries[entry];
        _free = command.Next;
        int classIndex = owner.Classify(units, now);
        command.Tag = tag;
        command.Units = units;
        command.Tenant = tenant;
        command.Class = classIndex;
        command.Arrival = arrival;
        command.Deadline = owner.DeadlineOf(classIndex, arrival);
        NestedQosClassStatistics statistics = owner.Statistics[classIndex];
        statistics.Arrivals++;
        statistics.UnitsArrived += units;
        bool wasIdle = owner.WaitingCount == 0;
        owner.Enqueue(entry, classIndex);
        Waiting++;
        if (wasIdle)
        {
            owner.VirtualStart = Math.Max(owner.VirtualStart, _virtualTime);
            _heap.Add(tenant);
        }

        return true;
    }

    /// <summary>The command that starts now, if one may.</summary>
    public bool TryStart(long now, out NestedQosStart start)
    {
        start = default;
        if (Waiting == 0 || _outstanding >= _options.MaximumOutstanding || (_options.CapacityUnitsPerSecond is not null && now < _nextStart))
        {
            return false;
        }

        int tenant = _heap.First;
        NestedQosTenant owner = _tenants[tenant];
        int entry = owner.Dequeue();
        ref WaitingCommand command = ref _entries[entry];
        _virtualTime = owner.VirtualStart;
        owner.VirtualStart += command.Units / owner.Weight;
        if (owner.WaitingCount == 0)
        {
            _heap.RemoveFirst();
        }
        else
        {
            _heap.SinkFirst();
        }

        if (_options.CapacityUnitsPerSecond is { } capacity)
        {
            long earliest = _nextStart == long.MinValue ? now : Math.Max(_nextStart, now - PaceSlackNanoseconds);
            _nextStart = earliest + (long)(command.Units / capacity * 1e9);
        }

        Waiting--;
        _outstanding++;
        owner.Statistics[command.Class].Waiting.Record(now - command.Arrival);
        start = new NestedQosStart(command.Tag, tenant, command.Class, command.Units, command.Arrival, command.Deadline);
        command.Next = _free;
        _free = entry;
        return true;
    }

    /// <summary>A started command is done: there is room for another.</summary>
    public void OnCompleted(in NestedQosStart start, long now)
    {
        _outstanding--;
        _tenants[start.Tenant].Statistics[start.Class].OnCompleted(now - start.ArrivalNanoseconds);
    }

    /// <summary>A started command is gone without an answer (its function was reset).</summary>
    public void OnAbandoned() => _outstanding--;

    public void Dispose()
    {
        foreach (NestedQosTenant tenant in _tenants)
        {
            foreach (NestedQosClassStatistics statistics in tenant.Statistics)
            {
                statistics.Dispose();
            }
        }
    }
}

/// <summary>A command that may start. Handed back at its completion.</summary>
/// <param name="Class">Index of its class; the number of classes for best effort.</param>
/// <param name="DeadlineNanoseconds"><see cref="long.MaxValue"/> for best effort.</param>
public readonly record struct NestedQosStart(ulong Tag, int Tenant, int Class, int Units, long ArrivalNanoseconds, long DeadlineNanoseconds);
