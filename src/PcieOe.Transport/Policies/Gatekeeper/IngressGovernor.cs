using PcieOe.Protocol.Link;
using PcieOe.Protocol.Sessions;

namespace PcieOe.Transport.Policies.Gatekeeper;

/// <summary>
/// Measures what arrives at a port for each tenant and, where more is asked for than the link or a tenant's maximum allows, allots it: the
/// minima first, the rest by weight. Senders of those that are allotted less than they ask for are told their rate (feedback), and their
/// window is opened at that rate and no faster, so that one that does not listen gains nothing. Who is within its minimum is never slowed.
/// </summary>
/// <remarks>
/// What a tenant asks for shows only in what it uses: the estimate grows by half in every interval in which it was used up, and shrinks
/// towards the use otherwise. So a tenant that comes back is given way to within a few intervals, and one that stays below its minimum
/// leaves the rest to others.
/// </remarks>
internal sealed class IngressGovernor
{
    /// <summary>What a link whose rate is unknown is taken for.</summary>
    internal const double UnboundedBytesPerSecond = GatekeeperOptions.MaximumLinkMegabitsPerSecond * 125_000;

    private const double Growth = 1.5;
    private const double Headroom = 1.03;
    private const double StepOfLink = 0.02;
    private const double UsedUp = 0.975;
    private const double LimitUsedUp = 0.85;
    private const double LeastBytesPerSecond = 125_000;
    private const double QuietBytesPerSecond = 1_000;

    // A window opens for as many intervals' worth at once, so that a sender who keeps to his rate never feels it.
    private const int WindowIntervals = 5;
    private const int WindowFrames = 4;
    private const double WindowMargin = 1.02;
    private const double WorthTelling = 0.03;

    private readonly GatekeeperOptions _options;
    private readonly double _capacity;
    private readonly long _interval;
    private readonly TenantState[] _tenants;
    private readonly FlowState[] _flows;
    private readonly IGatedSession?[] _sessions;

    // Scratch of one round.
    private readonly int[] _members;
    private readonly double[] _demands;
    private readonly double[] _minima;
    private readonly double[] _weights;
    private readonly double[] _shares;

    /// <param name="linkBytesPerSecond">0: unknown, so that only maxima are kept to.</param>
    internal IngressGovernor(GatekeeperOptions options, double linkBytesPerSecond, int flows, int tenants)
    {
        _options = options;
        _capacity = linkBytesPerSecond > 0 ? linkBytesPerSecond * options.UtilizationPercent / 100 : UnboundedBytesPerSecond;
        _interval = options.IntervalMicroseconds * 1000L;
        _tenants = new TenantState[tenants];
        _flows = new FlowState[flows];
        _sessions = new IGatedSession?[flows];
        int most = Math.Max(flows, tenants);
        _members = new int[most];
        _demands = new double[most];
        _minima = new double[most];
        _weights = new double[most];
        _shares = new double[most];
    }

    /// <summary>Something arrives, or somebody is held: the next interval matters.</summary>
    internal bool IsActive { get; private set; }

    internal void SetTenant(int tenant, double minimum, double maximum, double weight)
    {
        ref TenantState entry = ref _tenants[tenant];
        entry.Minimum = minimum;
        entry.Maximum = maximum > 0 ? maximum : double.PositiveInfinity;
        entry.Weight = weight;
    }

    internal void AddFlow(int flow, int tenant, IGatedSession session)
    {
        LinkCounters counters = session.Counters;
        _flows[flow] = new FlowState { Tenant = tenant, SeenBytes = WireBytes(counters), SeenFrames = counters.FramesReceived };
        _sessions[flow] = session;
        _tenants[tenant].Flows++;
    }

    internal void RemoveFlow(int flow)
    {
        ref TenantState tenant = ref _tenants[_flows[flow].Tenant];
        _sessions[flow] = null;
        if (--tenant.Flows == 0)
        {
            tenant.Measured = tenant.Demand = tenant.Allotted = 0;
            tenant.IsLimited = false;
        }
    }

    internal double Measured(int tenant) => _tenants[tenant].Measured;

    /// <summary>What a tenant is held to, bytes a second; 0: nothing holds it.</summary>
    internal double Limit(int tenant) => _tenants[tenant].IsLimited ? _tenants[tenant].Allotted : 0;

    internal long ReceivedBytes(int tenant) => _tenants[tenant].ReceivedBytes;

    internal long FeedbackSent(int tenant) => _tenants[tenant].FeedbackSent;

    /// <summary>Measures and allots. <paramref name="elapsed"/>: nanoseconds since the last call that count.</summary>
    internal void OnInterval(long now, long elapsed)
    {
        IsActive = false;
        Measure(elapsed);
        Allot();
        for (int tenant = 0; tenant < _tenants.Length; tenant++)
        {
            ref TenantState entry = ref _tenants[tenant];
            if (entry.Flows > 0 && (entry.IsLimited || entry.HasLimitedFlows))
            {
                Apply(tenant, elapsed, now);
            }
        }
    }

    private static long WireBytes(in LinkCounters counters) => counters.BytesReceived + counters.FramesReceived * EgressScheduler.WireOverheadBytes;

    private void Measure(long elapsed)
    {
        double part = (double)elapsed / (elapsed + 2 * _interval);
        for (int flow = 0; flow < _flows.Length; flow++)
        {
            if (_sessions[flow] is not { } session)
            {
                continue;
            }

            ref FlowState entry = ref _flows[flow];
            LinkCounters counters = session.Counters;
            long seen = WireBytes(counters);

            // Another link counts from 0.
            long bytes = seen >= entry.SeenBytes ? seen - entry.SeenBytes : seen;
            long frames = counters.FramesReceived >= entry.SeenFrames ? counters.FramesReceived - entry.SeenFrames : counters.FramesReceived;
            entry.SeenBytes = seen;
            entry.SeenFrames = counters.FramesReceived;
            entry.ArrivedBytes = bytes;
            entry.MeanFrameBytes = frames > 0 ? entry.MeanFrameBytes + (bytes / (double)frames - entry.MeanFrameBytes) / 2 : entry.MeanFrameBytes;
            entry.Measured += (bytes * 1e9 / elapsed - entry.Measured) * part;
            entry.Demand = Estimate(entry.Demand, entry.Measured, entry.IsLimited ? entry.Allotted : 0, step: LeastBytesPerSecond);
            _tenants[entry.Tenant].ArrivedBytes += bytes;
        }

        int active = 0;
        for (int tenant = 0; tenant < _tenants.Length; tenant++)
        {
            ref TenantState entry = ref _tenants[tenant];
            entry.Measured += (entry.ArrivedBytes * 1e9 / elapsed - entry.Measured) * part;
            entry.ReceivedBytes += entry.ArrivedBytes;
            entry.ArrivedBytes = 0;
            active += entry.Measured > QuietBytesPerSecond ? 1 : 0;
        }

        double step = _capacity * StepOfLink / Math.Max(4, active);
        for (int tenant = 0; tenant < _tenants.Length; tenant++)
        {
            ref TenantState entry = ref _tenants[tenant];
            IsActive |= entry.Measured > QuietBytesPerSecond;
            entry.Demand = entry.Measured > QuietBytesPerSecond ? Estimate(entry.Demand, entry.Measured, entry.IsLimited ? entry.Allotted : 0, step) : 0;
        }
    }

    private double Estimate(double demand, double measured, double limit, double step)
    {
        if (limit > 0 ? measured >= LimitUsedUp * limit : measured >= UsedUp * demand)
        {
            return Math.Min(Math.Max(demand, measured) * Growth + step, Math.Max(_capacity, measured));
        }

        double use = measured * Headroom + step;
        return Math.Max(use, demand - (demand - use) / 4);
    }

    private void Allot()
    {
        int members = 0;
        for (int tenant = 0; tenant < _tenants.Length; tenant++)
        {
            ref TenantState entry = ref _tenants[tenant];
            if (entry.Flows > 0 && entry.Demand > 0)
            {
                _members[members] = tenant;
                _demands[members] = Math.Min(entry.Demand, entry.Maximum);
                _minima[members] = entry.Minimum;
                _weights[members] = entry.Weight;
                members++;
            }
            else
            {
                entry.IsLimited = false;
            }
        }

        Span<double> shares = _shares.AsSpan(0, members);
        BandwidthDivision.Divide(_capacity, _demands.AsSpan(0, members), _minima.AsSpan(0, members), _weights.AsSpan(0, members), shares);
        for (int i = 0; i < members; i++)
        {
            ref TenantState entry = ref _tenants[_members[i]];
            entry.Allotted = Math.Max(shares[i], LeastBytesPerSecond);
            entry.IsLimited = entry.Allotted < entry.Demand;
        }
    }

    /// <summary>Passes what a tenant is allotted on to its flows, or lets go of those that are no longer limited.</summary>
    private void Apply(int tenant, long elapsed, long now)
    {
        ref TenantState owner = ref _tenants[tenant];
        int members = 0;
        for (int flow = 0; flow < _flows.Length; flow++)
        {
            if (_sessions[flow] is not null && _flows[flow].Tenant == tenant)
            {
                _members[members] = flow;
                _demands[members] = _flows[flow].Demand;
                _minima[members] = 0;
                _weights[members] = 1;
                members++;
            }
        }

        Span<double> shares = _shares.AsSpan(0, members);
        if (owner.IsLimited)
        {
            BandwidthDivision.Divide(owner.Allotted, _demands.AsSpan(0, members), _minima.AsSpan(0, members), _weights.AsSpan(0, members), shares);
        }

        owner.HasLimitedFlows = false;
        for (int i = 0; i < members; i++)
        {
            ref FlowState entry = ref _flows[_members[i]];
            IGatedSession session = _sessions[_members[i]]!;
            bool isLimited = owner.IsLimited && shares[i] < entry.Demand;
            if (isLimited)
            {
                entry.Allotted = Math.Max(shares[i], LeastBytesPerSecond);
                Hold(ref entry, session, elapsed);
                Tell(ref entry, ref owner, session, now);
            }
            else if (entry.IsLimited)
            {
                session.ReleaseReceive();
            }

            entry.IsLimited = isLimited;
            owner.HasLimitedFlows |= isLimited;
        }

        IsActive |= owner.HasLimitedFlows;
    }

    private void Hold(ref FlowState flow, IGatedSession session, long elapsed)
    {
        double rate = flow.Allotted * WindowMargin;
        double most = rate * WindowIntervals * _interval / 1e9 + WindowFrames * flow.MeanFrameBytes;
        double credit = flow.IsLimited ? flow.WindowBytes + rate * elapsed / 1e9 - flow.ArrivedBytes : most;
        flow.WindowBytes = Math.Clamp(credit, -most, most);
        session.LimitReceive((int)Math.Min(Math.Max(0, flow.WindowBytes) / Math.Max(flow.MeanFrameBytes, 1), LinkOptions.MaximumWindowFrames));
    }

    private void Tell(ref FlowState flow, ref TenantState owner, IGatedSession session, long now)
    {
        bool isNews = !flow.IsLimited
            || Math.Abs(flow.Allotted - flow.ToldBytesPerSecond) > WorthTelling * flow.ToldBytesPerSecond
            || now - flow.ToldAt >= _options.HoldMicroseconds * 1000L / 2;
        if (isNews)
        {
            flow.ToldAt = now;
            flow.ToldBytesPerSecond = flow.Allotted;
            owner.FeedbackSent++;
            session.SendFeedback(new FeedbackMessage((long)(flow.Allotted * 8), (long)(flow.Measured * 8), _options.HoldMicroseconds));
        }
    }

    /// <summary>Rates are bytes a second on the wire.</summary>
    private struct TenantState
    {
        public int Flows;
        public double Minimum;
        public double Maximum;
        public double Weight;
        public long ArrivedBytes;
        public long ReceivedBytes;
        public long FeedbackSent;
        public double Measured;
        public double Demand;
        public double Allotted;
        public bool IsLimited;
        public bool HasLimitedFlows;
    }

    private struct FlowState
    {
        public int Tenant;
        public long SeenBytes;
        public long SeenFrames;
        public long ArrivedBytes;
        public double MeanFrameBytes;
        public double Measured;
        public double Demand;
        public double Allotted;
        public bool IsLimited;
        public double WindowBytes;
        public double ToldBytesPerSecond;
        public long ToldAt;
    }
}
