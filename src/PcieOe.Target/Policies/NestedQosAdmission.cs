using PcieOe.Protocol.Functions;
using PcieOe.Transport.Policies.NestedQos;

namespace PcieOe.Target.Policies;

/// <summary>
/// One function's commands on their way through the scheduler that all functions share. It remembers each from its submission until it is
/// completed, by its token.
/// </summary>
internal sealed class NestedQosAdmission(NestedQosScheduler scheduler, int owner) : IAdmission
{
    /// <summary>
    /// Commands of one function that may be between submission and completion: more than a function has. Only a host that aborts what
    /// waits, again and again, could bring more here; what is beyond is never started, until a reset.
    /// </summary>
    internal const int MaximumCommands = 2048;

    // Best effort must not starve at the egress queue either: there it counts as if it were due so long after its start.
    private const long BestEffortEgressNanoseconds = 1_000_000_000;

    private readonly CommandTickets _tickets = new(MaximumCommands);
    private IAdmissionSink? _sink;
    private int _tenant;
    private int _atEndpoint;
    private bool _isSetAside;

    /// <summary>Commands dropped since too many were here.</summary>
    internal long Dropped { get; private set; }

    public void Attach(IAdmissionSink sink) => _sink = sink;

    /// <summary>Whom the function's commands count for from now on. While none are here.</summary>
    internal void UseTenant(int tenant) => _tenant = tenant;

    public Admission Submit(in AdmissionRequest request, long now)
    {
        ulong tag = request.Token.Value;
        int units = request.CostUnits;
        if (_tickets.IsFull)
        {
            Dropped++;
            return Admission.Deferred;
        }

        // Where others wait, their turn may come first: then it is started from the poll round, not from here.
        ref Ticket ticket = ref _tickets.Add(tag);
        if (scheduler.TryStartAtOnce(_tenant, owner, units, tag, request.ArrivalNanoseconds, now, ref ticket.Start))
        {
            ticket.State = TicketState.Started;
            OnStarted();
            return Admission.StartNow(EgressDeadline(ticket.Start, now));
        }

        if (!scheduler.TryEnqueue(_tenant, owner, units, tag, request.ArrivalNanoseconds))
        {
            _tickets.Remove(tag);
            Dropped++;
        }

        return Admission.Deferred;
    }

    /// <summary>The scheduler lets a command of this function start.</summary>
    internal void Start(in NestedQosStart start, long now)
    {
        ref Ticket ticket = ref _tickets[_tickets.Find(start.Tag)];
        ticket.State = TicketState.Started;
        ticket.Start = start;
        OnStarted();
        if (!_sink!.OnAdmitted(new TransactionToken(start.Tag), EgressDeadline(start, now), now))
        {
            OnVoid(new TransactionToken(start.Tag));
        }
    }

    public void OnServed(TransactionToken token, long now)
    {
        int place = _tickets.Find(token.Value);
        if (place == CommandTickets.None)
        {
            return;
        }

        ref Ticket ticket = ref _tickets[place];
        switch (ticket.State)
        {
            case TicketState.Started:
                ticket.State = TicketState.Served;
                _atEndpoint--;
                if (!_isSetAside)
                {
                    scheduler.OnServed(ticket.Start, now);
                }

                break;
            case TicketState.Waiting:
                scheduler.Withdraw(_tenant, owner, token.Value);
                _tickets.Remove(token.Value);
                break;
        }
    }

    public void OnCompleted(TransactionToken token, long now)
    {
        int place = _tickets.Remove(token.Value);
        if (place != CommandTickets.None && _tickets[place].State == TicketState.Served)
        {
            scheduler.OnCompleted(_tickets[place].Start, now);
        }
    }

    public byte ClassOf(TransactionToken token)
    {
        int place = _tickets.Find(token.Value);
        return place != CommandTickets.None && _tickets[place].State != TicketState.Waiting ? (byte)Math.Min(_tickets[place].Start.Class + 1, byte.MaxValue) : (byte)0;
    }

    public void OnVoid(TransactionToken token)
    {
        int place = _tickets.Remove(token.Value);
        if (place != CommandTickets.None && _tickets[place].State == TicketState.Started)
        {
            _atEndpoint--;
            if (!_isSetAside)
            {
                scheduler.OnVoid(_tickets[place].Start);
            }
        }
    }

    public void Withdraw()
    {
        if (_tickets.Count == 0)
        {
            return;
        }

        scheduler.Withdraw(_tenant, owner);
        ReturnRoom();
        _atEndpoint = 0;
        _tickets.Clear();
    }

    /// <summary>The host is out of reach: what has started of its commands may take as long as the outage, and must not hold up others.</summary>
    internal void Suspend()
    {
        ReturnRoom();
        _isSetAside = true;
    }

    internal void Resume()
    {
        if (_isSetAside)
        {
            _isSetAside = false;
            scheduler.TakeBack(_tenant, _atEndpoint);
        }
    }

    private static long EgressDeadline(in NestedQosStart start, long now) =>
        start.DeadlineNanoseconds == long.MaxValue ? now + BestEffortEgressNanoseconds : start.DeadlineNanoseconds;

    private void OnStarted()
    {
        _atEndpoint++;
        if (_isSetAside)
        {
            scheduler.GiveBack(_tenant, 1);
        }
    }

    private void ReturnRoom()
    {
        if (!_isSetAside)
        {
            scheduler.GiveBack(_tenant, _atEndpoint);
        }
    }
}
