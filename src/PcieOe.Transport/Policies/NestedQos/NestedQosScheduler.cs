namespace PcieOe.Transport.Policies.NestedQos;

/// <summary>
/// Decides which command starts when: classification at arrival; what conforms first, fairly among tenants by weight, the
/// earliest deadline first within one; best effort takes what is left, and has a share that it gets in any case; as many at the endpoint
/// as it serves without a queue of its own. No I/O, no clock; one thread; nothing allocates after construction. A decision costs
/// O(log tenants + classes).
/// </summary>
/// <remarks>It does not know what a command is: callers name theirs by an owner and a tag. It never reorders what has started.</remarks>
public sealed class NestedQosScheduler : IDisposable
{
    public const int MaximumClasses = 8;

    // A poll round that came late catches up on starts, but not on more: what is started at once is beyond the order's reach.
    private const long CatchUpNanoseconds = 1_000_000;

    private readonly NestedQosTenant[] _tenants;
    private readonly WaitingCommand[] _table;
    private readonly FairQueue _conforming;
    private readonly FairQueue _bestEffort;
    private readonly double[] _weights;
    private readonly int _maximumOutstanding;
    private readonly int _maximumOutstandingOfTenant;
    private readonly bool _isByArrival;
    private readonly bool _isPaced;
    private readonly double _nanosecondsPerUnit;
    private CommandList _free = new();
    private CommandList _arrivals = new();
    private CapacityMeter _capacity = new();
    private long _nextStart = long.MinValue;
    private double _bestEffortDebt;

    /// <exception cref="ArgumentException">The options have mistakes (<see cref="NestedQosOptions.Validate"/>).</exception>
    public NestedQosScheduler(NestedQosOptions options, long now)
    {
        IReadOnlyList<NestedQosMistake> mistakes = options.Validate();
        if (mistakes.Count != 0)
        {
            throw new ArgumentException(string.Join(' ', mistakes), nameof(options));
        }

        Options = options;
        _maximumOutstanding = options.MaximumOutstanding;
        _maximumOutstandingOfTenant = options.MaximumOutstandingOfTenant;
        _isByArrival = options.Order == NestedQosOrder.Arrival;
        _isPaced = options.CapacityUnitsPerSecond is not null;
        _nanosecondsPerUnit = 1e9 / (options.CapacityUnitsPerSecond ?? double.PositiveInfinity);
        _table = new WaitingCommand[options.MaximumWaiting];
        for (int i = 0; i < _table.Length; i++)
        {
            _free.Append(_table, i);
        }

        _weights = options.Weights();
        _tenants = [.. options.Tenants.Select(tenant => new NestedQosTenant(tenant, _table, now))];
        _conforming = new FairQueue(_weights);
        _bestEffort = new FairQueue(_weights);
    }

    public NestedQosOptions Options { get; private set; }

    public int TenantCount => _tenants.Length;

    /// <summary>Started and not served yet.</summary>
    public int Outstanding { get; private set; }

    public int Waiting { get; private set; }

    /// <summary>What the endpoint was seen to serve while it was never short of work, units a second; 0 while that is unknown, or given.</summary>
    public double LearnedCapacity => _capacity.UnitsPerSecond;

    /// <summary>When <see cref="TryStart"/> may succeed though nothing is served before; <see cref="long.MaxValue"/> for not before then.</summary>
    public long NextDeadline => !HasCandidate ? long.MaxValue
        : _isPaced ? _nextStart : long.MinValue;

    private bool HasCandidate => Waiting > 0 && Outstanding < _maximumOutstanding && (_isByArrival || !(_conforming.IsEmpty && _bestEffort.IsEmpty));

    public NestedQosTenantOptions OptionsOf(int tenant) => _tenants[tenant].Options;

    public double WeightOf(int tenant) => _weights[tenant];

    /// <summary>What each class of a tenant got; the last is best effort's.</summary>
    public IReadOnlyList<NestedQosClassStatistics> StatisticsOf(int tenant) => _tenants[tenant].Statistics;

    /// <summary>
    /// Gives a tenant's class other figures while everything runs. What waits keeps its class and its deadline. Not on the hot path.
    /// </summary>
    /// <returns>All mistakes, as <see cref="NestedQosOptions.Validate"/> finds them in what would be: then nothing is changed.</returns>
    public IReadOnlyList<NestedQosMistake> SetClass(int tenant, int classIndex, NestedQosClassOptions changed, long now)
    {
        NestedQosTenantOptions member = OptionsOf(tenant) with { Classes = [.. OptionsOf(tenant).Classes.Select((present, i) => i == classIndex ? changed : present)] };
        NestedQosOptions options = Options with { Tenants = [.. Options.Tenants.Select((present, i) => i == tenant ? member : present)] };
        IReadOnlyList<NestedQosMistake> mistakes = options.Validate();
        if (mistakes.Count == 0)
        {
            Options = options;
            options.Weights().CopyTo(_weights, 0);
            _tenants[tenant].Change(member, now);
        }

        return mistakes;
    }

    /// <summary>A command arrives. False: as many wait as may.</summary>
    /// <param name="owner">Whose it is, for <see cref="Withdraw"/>; any number.</param>
    /// <param name="units">Its cost: 4 KiB each, at least 1.</param>
    /// <param name="arrival">Counts for its class and deadline, though it may have waited elsewhere since.</param>
    public bool TryEnqueue(int tenant, int owner, int units, ulong tag, long arrival)
    {
        if (_free.IsEmpty)
        {
            return false;
        }

        NestedQosTenant member = _tenants[tenant];
        int entry = _free.TakeFirst(_table);
        int classIndex = member.OnArrival(units, arrival);
        ref WaitingCommand command = ref _table[entry];
        command.Tag = tag;
        command.Owner = owner;
        command.Units = units;
        command.Tenant = tenant;
        command.Class = classIndex;
        command.Arrival = arrival;
        command.Deadline = member.DeadlineOf(classIndex, arrival);
        if (Waiting++ == 0)
        {
            // Time in which nothing waited is not made up for.
            _nextStart = Math.Max(_nextStart, arrival);
        }

        if (_isByArrival)
        {
            _arrivals.Append(_table, entry);
        }
        else
        {
            member.Enqueue(entry, classIndex);
            Offer(tenant);
        }

        return true;
    }

    /// <summary>The command that starts now, if one may.</summary>
    public bool TryStart(long now, out NestedQosStart start)
    {
        if (!HasCandidate || (_isPaced && now < _nextStart))
        {
            start = default;
            return false;
        }

        int entry = _isByArrival ? _arrivals.TakeFirst(_table) : TakeByDeadline();
        ref WaitingCommand command = ref _table[entry];
        NestedQosTenant tenant = _tenants[command.Tenant];
        start.Tag = command.Tag;
        start.Owner = command.Owner;
        start.Tenant = command.Tenant;
        start.Units = command.Units;
        start.Class = command.Class;
        start.ArrivalNanoseconds = command.Arrival;
        start.DeadlineNanoseconds = command.Deadline;
        Waiting--;
        OnStarted(tenant, start, now);
        _free.Prepend(_table, entry);
        if (tenant.Outstanding >= _maximumOutstandingOfTenant)
        {
            _conforming.Remove(command.Tenant);
            _bestEffort.Remove(command.Tenant);
        }

        return true;
    }

    /// <summary>
    /// A command arrives and starts, if nothing waits and it may: what <see cref="TryEnqueue"/> and <see cref="TryStart"/> would come to, for
    /// a fraction of the work. False: nothing has happened, to <paramref name="start"/> either.
    /// </summary>
    public bool TryStartAtOnce(int tenant, int owner, int units, ulong tag, long arrival, long now, ref NestedQosStart start)
    {
        NestedQosTenant member = _tenants[tenant];
        if (Waiting > 0 || Outstanding >= _maximumOutstanding || (member.Outstanding >= _maximumOutstandingOfTenant && !_isByArrival)
            || (_isPaced && now < Math.Max(_nextStart, arrival)))
        {
            return false;
        }

        _nextStart = Math.Max(_nextStart, arrival);
        int classIndex = member.OnArrival(units, arrival);

        // Field by field, into where it will be read: a copy in one piece would have to wait for its fields.
        start.Tag = tag;
        start.Owner = owner;
        start.Tenant = tenant;
        start.Units = units;
        start.Class = classIndex;
        start.ArrivalNanoseconds = arrival;
        start.DeadlineNanoseconds = member.DeadlineOf(classIndex, arrival);
        if (!_isByArrival)
        {
            bool isBestEffort = classIndex == member.BestEffort;
            (isBestEffort ? _bestEffort : _conforming).ServeAlone(tenant, units);
            _bestEffortDebt = isBestEffort ? Math.Max(0, _bestEffortDebt - units) : _bestEffortDebt;
        }

        OnStarted(member, start, now);
        return true;
    }

    /// <summary>The endpoint is done with a started command: there is room for another. Its answer may still be on its way.</summary>
    public void OnServed(in NestedQosStart start, long now)
    {
        if (!_isPaced)
        {
            _capacity.OnServed(start.Units, Waiting > 0, now);
        }

        GiveBack(start.Tenant, 1);
    }

    /// <summary>The answer of a started command has gone. After <see cref="OnServed"/>.</summary>
    public void OnCompleted(in NestedQosStart start, long now) =>
        _tenants[start.Tenant].Statistics[start.Class].OnCompleted(now - start.ArrivalNanoseconds);

    /// <summary>Nothing came of a start: the command had gone before. Its pace goes to the next one.</summary>
    public void OnVoid(in NestedQosStart start)
    {
        _nextStart -= PaceOf(start.Units);
        GiveBack(start.Tenant, 1);
    }

    /// <summary>Started commands that nobody will hear of (a reset), or that cannot end for now (an outage), hold no room any longer.</summary>
    public void GiveBack(int tenant, int count)
    {
        Outstanding -= count;
        _tenants[tenant].Outstanding -= count;
        Offer(tenant);
    }

    /// <summary>Started commands whose room was given back for an outage hold it again.</summary>
    public void TakeBack(int tenant, int count)
    {
        Outstanding += count;
        _tenants[tenant].Outstanding += count;
        if (_tenants[tenant].Outstanding >= _maximumOutstandingOfTenant)
        {
            _conforming.Remove(tenant);
            _bestEffort.Remove(tenant);
        }
    }

    /// <summary>What waits of an owner is void; or its one command of that tag. Says how many. Costs a look at all that wait of the tenant.</summary>
    public int Withdraw(int tenant, int owner, ulong? tag = null)
    {
        CommandList removed = new();
        int count = _isByArrival
            ? _arrivals.Remove(_table, owner, tag, ref removed)
            : _tenants[tenant].Withdraw(owner, tag, ref removed);
        Waiting -= count;
        while (!removed.IsEmpty)
        {
            _free.Prepend(_table, removed.TakeFirst(_table));
        }

        LeaveIfDone(tenant);

        return count;
    }

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

    private void OnStarted(NestedQosTenant tenant, in NestedQosStart start, long now)
    {
        if (_isPaced)
        {
            _nextStart = Math.Max(_nextStart, now - CatchUpNanoseconds) + PaceOf(start.Units);
        }

        Outstanding++;
        tenant.Outstanding++;
        tenant.Statistics[start.Class].Waiting.Record(now - start.ArrivalNanoseconds);
    }

    /// <summary>Until the next start; nothing where starts have no pace.</summary>
    private long PaceOf(int units) => (long)(units * _nanosecondsPerUnit);

    private int TakeByDeadline()
    {
        bool isBestEffortsTurn = _conforming.IsEmpty
            || (!_bestEffort.IsEmpty && _bestEffortDebt >= _tenants[_bestEffort.First].NextBestEffortUnits);
        FairQueue queue = isBestEffortsTurn ? _bestEffort : _conforming;
        int tenant = queue.First;
        int entry = isBestEffortsTurn ? _tenants[tenant].DequeueBestEffort() : _tenants[tenant].DequeueConforming();
        int units = _table[entry].Units;
        if (isBestEffortsTurn)
        {
            _bestEffortDebt = Math.Max(0, _bestEffortDebt - units);
        }
        else if (!_bestEffort.IsEmpty)
        {
            _bestEffortDebt += units * Options.BestEffortShare / (1 - Options.BestEffortShare);
        }

        queue.ServeFirst(units);
        LeaveIfDone(tenant);
        return entry;
    }

    /// <summary>Lets a tenant take part if it has something to start, and may.</summary>
    private void Offer(int tenant)
    {
        NestedQosTenant member = _tenants[tenant];
        if (Waiting == 0 || member.Outstanding >= _maximumOutstandingOfTenant)
        {
            return;
        }

        if (member.ConformingWaiting > 0)
        {
            _conforming.Add(tenant);
        }

        if (member.IsBestEffortWaiting)
        {
            _bestEffort.Add(tenant);
        }
    }

    private void LeaveIfDone(int tenant)
    {
        if (_tenants[tenant].ConformingWaiting == 0)
        {
            _conforming.Remove(tenant);
        }

        if (!_tenants[tenant].IsBestEffortWaiting)
        {
            _bestEffort.Remove(tenant);
        }
    }
}

/// <summary>A command that may start. Handed back when it is served, and when it is completed.</summary>
public struct NestedQosStart
{
    public ulong Tag;
    public int Owner;
    public int Tenant;
    public int Units;

    /// <summary>Index of its class; the number of classes for best effort.</summary>
    public int Class;

    public long ArrivalNanoseconds;

    /// <summary><see cref="long.MaxValue"/> for best effort.</summary>
    public long DeadlineNanoseconds;
}
