using PcieOe.Protocol.Sessions;

namespace PcieOe.Transport.Policies.Gatekeeper;

/// <summary>
/// Bandwidth guarantees for the tenants of one port, in both directions (Rodrigues et al., Gatekeeper, WIOV '11; docs/policies.md): who
/// sends next (<see cref="Egress"/>), who must slow down because too much arrives, and obedience to what other ports ask. One thread, no
/// clock; nothing allocates except when sessions come and go.
/// </summary>
public sealed class PortGatekeeper
{
    private const int LongestIntervals = 8;
    private const int None = -1;
    private const double BytesPerMegabit = 125_000;
    private const double LeastSpareShare = 0.01;

    private readonly GatekeeperOptions _options;
    private readonly double _link;
    private readonly long _interval;
    private readonly IngressGovernor _ingress;
    private readonly Tenant?[] _tenants;
    private readonly int[] _tenantOf;
    private readonly long[] _obeyUntil;
    private int _obeying;
    private long _lastInterval = long.MinValue;
    private bool _isSending;

    /// <param name="linkMegabitsPerSecond">The link's rate; null: unknown, so that nothing is guaranteed, and what others ask is obeyed.</param>
    /// <param name="flows">The most sessions; each is a flow, numbered below this.</param>
    public PortGatekeeper(GatekeeperOptions options, double? linkMegabitsPerSecond, int flows)
    {
        IReadOnlyList<GatekeeperMistake> mistakes = options.Validate(linkMegabitsPerSecond);
        if (mistakes.Count != 0)
        {
            throw new ArgumentException(string.Join(' ', mistakes), nameof(options));
        }

        _options = options;
        LinkMegabitsPerSecond = linkMegabitsPerSecond;
        _link = (linkMegabitsPerSecond ?? 0) * BytesPerMegabit;
        _interval = options.IntervalMicroseconds * 1000L;
        _tenants = new Tenant?[options.Tenants.Count + flows];
        _tenantOf = new int[flows];
        Array.Fill(_tenantOf, None);
        _obeyUntil = new long[flows];
        Egress = new EgressScheduler(flows, _tenants.Length, _link * options.UtilizationPercent / 100, options.BurstMicroseconds * 1000L);
        _ingress = new IngressGovernor(options, _link, flows, _tenants.Length);
        for (int i = 0; i < options.Tenants.Count; i++)
        {
            GatekeeperTenantOptions tenant = options.Tenants[i];
            _tenants[i] = new Tenant { Name = tenant.Name, IsConfigured = true, Egress = tenant.Egress, Ingress = tenant.Ingress };
        }

        ShareSpare();
    }

    public double? LinkMegabitsPerSecond { get; }

    public EgressScheduler Egress { get; }

    /// <summary>When <see cref="OnTimer"/> or the next choice of a frame has something to do.</summary>
    public long NextDeadline => Math.Min(Egress.NextDeadline, _ingress.IsActive || _obeying > 0 || _isSending ? _lastInterval + _interval : long.MaxValue);

    /// <summary>A session begins.</summary>
    public void Attach(int flow, string tenantName, IGatedSession session)
    {
        int tenant = Array.FindIndex(_tenants, entry => entry?.Name == tenantName);
        if (tenant < 0)
        {
            // As many places as flows beyond the configured ones.
            tenant = Array.IndexOf(_tenants, null);
            _tenants[tenant] = new Tenant { Name = tenantName };
        }

        _tenants[tenant]!.Sessions++;
        _tenantOf[flow] = tenant;
        Egress.AddFlow(flow, tenant);
        _ingress.AddFlow(flow, tenant, session);
        ShareSpare();
    }

    public void Detach(int flow)
    {
        int tenant = _tenantOf[flow];
        if (tenant == None)
        {
            return;
        }

        StopObeying(flow);
        Egress.RemoveFlow(flow);
        _ingress.RemoveFlow(flow);
        _tenantOf[flow] = None;
        Tenant entry = _tenants[tenant]!;
        if (--entry.Sessions == 0 && !entry.IsConfigured)
        {
            _tenants[tenant] = null;
        }

        ShareSpare();
    }

    /// <summary>The receiver of a flow's frames says at which rate they may come.</summary>
    public void OnFeedback(int flow, in FeedbackMessage feedback, long now)
    {
        if (_tenantOf[flow] == None)
        {
            return;
        }

        _tenants[_tenantOf[flow]]!.FeedbackReceived++;
        _obeying += _obeyUntil[flow] == 0 ? 1 : 0;
        _obeyUntil[flow] = now + feedback.HoldMicroseconds * 1000L;
        Egress.SetFlowRate(flow, feedback.PermittedBitsPerSecond / 8.0);
        if (_lastInterval == long.MinValue)
        {
            _lastInterval = now;
        }
    }

    /// <summary>Measures, allots and lets senders speed up again, if an interval has passed. Early calls do nothing.</summary>
    public void OnTimer(long now)
    {
        if (_lastInterval == long.MinValue)
        {
            _lastInterval = now;
        }

        long elapsed = now - _lastInterval;
        if (elapsed < _interval)
        {
            return;
        }

        _lastInterval = now;
        elapsed = Math.Min(elapsed, LongestIntervals * _interval);
        _ingress.OnInterval(now, elapsed);
        MeasureEgress(elapsed);
        if (_obeying > 0)
        {
            Raise(now);
        }
    }

    /// <summary>Changes a tenant's limits. What is null stays. Returns the mistakes, and changes nothing if there are any.</summary>
    public IReadOnlyList<string> SetLimits(string tenantName, BandwidthLimits? egress, BandwidthLimits? ingress)
    {
        Tenant? tenant = Array.Find(_tenants, entry => entry?.Name == tenantName);
        if (tenant is null)
        {
            string known = string.Join(", ", _tenants.OfType<Tenant>().Select(entry => entry.Name));
            return [$"There is no tenant '{tenantName}' at this port. Tenants: {(known.Length == 0 ? "none" : known)}."];
        }

        // The changed one first: its mistakes are those of tenants[0].
        GatekeeperTenantOptions changed = new() { Name = tenantName, Egress = egress ?? tenant.Egress, Ingress = ingress ?? tenant.Ingress };
        IEnumerable<GatekeeperTenantOptions> others = _tenants.OfType<Tenant>().Where(entry => entry != tenant)
            .Select(entry => new GatekeeperTenantOptions { Name = entry.Name, Egress = entry.Egress, Ingress = entry.Ingress });
        IReadOnlyList<GatekeeperMistake> mistakes = (_options with { Tenants = [changed, .. others] }).Validate(LinkMegabitsPerSecond);
        if (mistakes.Count == 0)
        {
            tenant.Egress = changed.Egress;
            tenant.Ingress = changed.Ingress;
            tenant.IsConfigured = true;
            ShareSpare();
        }

        return [.. mistakes.Select(mistake => mistake.ToString())];
    }

    /// <summary>Limits against what was achieved, for status.</summary>
    public IReadOnlyList<TenantBandwidth> Report()
    {
        List<TenantBandwidth> report = [];
        for (int i = 0; i < _tenants.Length; i++)
        {
            if (_tenants[i] is { } tenant)
            {
                double permitted = PermittedByReceivers(i);
                report.Add(new TenantBandwidth
                {
                    Name = tenant.Name,
                    Sessions = tenant.Sessions,
                    Egress = new(tenant.Egress, Megabits(tenant.EgressMeasured), permitted > 0 ? Megabits(permitted) : null, Egress.SentBytes(i)),
                    Ingress = new(tenant.Ingress, Megabits(_ingress.Measured(i)), _ingress.Limit(i) > 0 ? Megabits(_ingress.Limit(i)) : null, _ingress.ReceivedBytes(i)),
                    FeedbackSent = _ingress.FeedbackSent(i),
                    FeedbackReceived = tenant.FeedbackReceived,
                });
            }
        }

        return report;
    }

    private static double Megabits(double bytesPerSecond) => Math.Round(bytesPerSecond / BytesPerMegabit, 1);

    private void Raise(long now)
    {
        double ceiling = _link > 0 ? _link : IngressGovernor.UnboundedBytesPerSecond;
        for (int flow = 0; flow < _obeyUntil.Length; flow++)
        {
            if (_obeyUntil[flow] == 0 || now < _obeyUntil[flow])
            {
                continue;
            }

            double rate = Egress.FlowRate(flow) * (1 + _options.RaisePercent / 100);
            if (rate < ceiling)
            {
                Egress.SetFlowRate(flow, rate);
            }
            else
            {
                StopObeying(flow);
            }
        }
    }

    private void StopObeying(int flow)
    {
        if (_obeyUntil[flow] != 0)
        {
            _obeyUntil[flow] = 0;
            _obeying--;
            Egress.ClearFlowRate(flow);
        }
    }

    private void MeasureEgress(long elapsed)
    {
        _isSending = false;
        double part = (double)elapsed / (elapsed + 2 * _interval);
        for (int i = 0; i < _tenants.Length; i++)
        {
            if (_tenants[i] is { } tenant)
            {
                long sent = Egress.SentBytes(i);
                tenant.EgressMeasured += ((sent - tenant.EgressSeen) * 1e9 / elapsed - tenant.EgressMeasured) * part;
                tenant.EgressSeen = sent;
                _isSending |= tenant.EgressMeasured > 1000;
            }
        }
    }

    private double PermittedByReceivers(int tenant)
    {
        double sum = 0;
        for (int flow = 0; flow < _tenantOf.Length; flow++)
        {
            sum += _tenantOf[flow] == tenant ? Egress.FlowRate(flow) : 0;
        }

        return sum;
    }

    /// <summary>
    /// Weights: a tenant's minimum, so that what is left over is shared in that proportion. Those without share what is not guaranteed,
    /// at most as much each as the smallest minimum, and at least a hundredth of the link together.
    /// </summary>
    private void ShareSpare()
    {
        double spareEgress = SpareWeight(tenant => tenant.Egress), spareIngress = SpareWeight(tenant => tenant.Ingress);
        for (int i = 0; i < _tenants.Length; i++)
        {
            if (_tenants[i] is { } tenant)
            {
                double egress = tenant.Egress.MinimumMegabitsPerSecond * BytesPerMegabit;
                double ingress = tenant.Ingress.MinimumMegabitsPerSecond * BytesPerMegabit;
                Egress.SetTenant(i, egress > 0 ? egress : spareEgress, (tenant.Egress.MaximumMegabitsPerSecond ?? 0) * BytesPerMegabit);
                _ingress.SetTenant(i, ingress, (tenant.Ingress.MaximumMegabitsPerSecond ?? 0) * BytesPerMegabit, ingress > 0 ? ingress : spareIngress);
            }
        }
    }

    private double SpareWeight(Func<Tenant, BandwidthLimits> limits)
    {
        double link = _link > 0 ? _link : IngressGovernor.UnboundedBytesPerSecond;
        double guaranteed = 0, smallest = link;
        int without = 0;
        foreach (Tenant? tenant in _tenants)
        {
            if (tenant is null)
            {
                continue;
            }

            double minimum = limits(tenant).MinimumMegabitsPerSecond * BytesPerMegabit;
            guaranteed += minimum;
            smallest = minimum > 0 ? Math.Min(smallest, minimum) : smallest;
            without += minimum > 0 ? 0 : 1;
        }

        without = Math.Max(without, 1);
        return Math.Max(Math.Min((link - guaranteed) / without, smallest), link * LeastSpareShare / without);
    }

    private sealed class Tenant
    {
        public required string Name { get; init; }

        /// <summary>Stays when its last session has gone.</summary>
        public bool IsConfigured { get; set; }

        public BandwidthLimits Egress { get; set; }

        public BandwidthLimits Ingress { get; set; }

        public int Sessions { get; set; }

        public long FeedbackReceived { get; set; }

        public long EgressSeen { get; set; }

        public double EgressMeasured { get; set; }
    }
}
