namespace PcieOe.Transport.Policies.Gatekeeper;

/// <summary>
/// Whose frame leaves a port next: start-time fair queueing among tenants by weight (Goyal, Vin, Cheng, SIGCOMM '96), in turn among the
/// flows (sessions) of one tenant, at no more than the link's rate, a tenant's maximum, and what a flow's receiver permits. Whatever is
/// within those bounds goes: spare capacity is shared by weight.
/// </summary>
/// <remarks>
/// No clock and no I/O: <see cref="MarkReady"/> for a flow that may have a frame, then <see cref="TryNext"/>, and after each of its
/// answers either <see cref="OnSent"/> or <see cref="OnEmpty"/>. A decision takes O(log tenants + log flows). Nothing allocates after
/// construction.
/// </remarks>
public sealed class EgressScheduler
{
    /// <summary>What a frame takes on the wire beyond the link's frame: Ethernet header, check sequence, preamble and gap.</summary>
    public const int WireOverheadBytes = 14 + 4 + 8 + 12;

    private const int None = -1;

    private readonly Flow[] _flows;
    private readonly Tenant[] _tenants;

    // Tenants that may send, by the virtual time at which their next frame starts.
    private readonly IndexedHeap _ready;

    // Those that reached a bound, by the time at which they may go on.
    private readonly IndexedHeap _heldTenants;
    private readonly IndexedHeap _heldFlows;
    private readonly long _burst;
    private Pace _link;
    private long _virtualTime;

    /// <param name="linkBytesPerSecond">What all flows together may send; 0: as fast as the port takes it.</param>
    /// <param name="burstNanoseconds">How much may go at once after a pause, as time at the rate in question.</param>
    public EgressScheduler(int flows, int tenants, double linkBytesPerSecond, long burstNanoseconds)
    {
        _flows = new Flow[flows];
        Array.Fill(_flows, new Flow { Tenant = None, Next = None });
        _tenants = new Tenant[tenants];
        Array.Fill(_tenants, new Tenant { First = None, Last = None, VirtualNanosecondsPerByte = 1 });
        _ready = new IndexedHeap(tenants);
        _heldTenants = new IndexedHeap(tenants);
        _heldFlows = new IndexedHeap(flows);
        _burst = burstNanoseconds;
        if (linkBytesPerSecond > 0)
        {
            _link.Set(linkBytesPerSecond, burstNanoseconds);
        }
    }

    /// <summary>When <see cref="TryNext"/> may have another answer though nothing became ready.</summary>
    public long NextDeadline
    {
        get
        {
            long held = Math.Min(_heldTenants.FirstKey, _heldFlows.FirstKey);
            return _ready.Count == 0 ? held : Math.Min(held, _link.FreeAt);
        }
    }

    /// <param name="weightBytesPerSecond">The tenant's share against the others'; where the weights' sum is within the link's rate, its guarantee.</param>
    /// <param name="maximumBytesPerSecond">0: none.</param>
    public void SetTenant(int tenant, double weightBytesPerSecond, double maximumBytesPerSecond)
    {
        ref Tenant entry = ref _tenants[tenant];
        entry.VirtualNanosecondsPerByte = 1e9 / weightBytesPerSecond;

        // What an earlier maximum kept from it is not owed to it.
        entry.Start = Math.Max(entry.Start, _virtualTime);
        entry.Maximum.Clear();
        if (maximumBytesPerSecond > 0)
        {
            entry.Maximum.Set(maximumBytesPerSecond, _burst);
        }

        if (entry.First != None)
        {
            _heldTenants.Remove(tenant);
            _ready.Remove(tenant);
            _ready.Add(tenant, entry.Start);
        }
    }

    public bool Has(int flow) => _flows[flow].Tenant != None;

    public void AddFlow(int flow, int tenant) => _flows[flow] = new Flow { Tenant = tenant, Next = None };

    public void RemoveFlow(int flow)
    {
        ref Flow entry = ref _flows[flow];
        if (entry.State == FlowState.Held)
        {
            _heldFlows.Remove(flow);
        }
        else if (entry.State == FlowState.Queued)
        {
            Unlink(flow);
        }

        entry = new Flow { Tenant = None, Next = None };
    }

    /// <summary>A flow keeps to a rate that its receiver permits.</summary>
    public void SetFlowRate(int flow, double bytesPerSecond) => _flows[flow].Rate.Set(bytesPerSecond, _burst);

    /// <summary>The receiver no longer says anything.</summary>
    public void ClearFlowRate(int flow)
    {
        _flows[flow].Rate.Clear();
        if (_flows[flow].State == FlowState.Held)
        {
            _heldFlows.Remove(flow);
            Enqueue(flow);
        }
    }

    /// <summary>Bytes a second that a flow keeps to; 0: none.</summary>
    public double FlowRate(int flow) => _flows[flow].Rate.BytesPerSecond;

    /// <summary>What a tenant has sent, in bytes on the wire.</summary>
    public long SentBytes(int tenant) => _tenants[tenant].SentBytes;

    /// <summary>The flow may have a frame. Those that are known to need not be marked again.</summary>
    public void MarkReady(int flow, long now)
    {
        ref Flow entry = ref _flows[flow];
        if (entry.State != FlowState.Idle)
        {
            return;
        }

        if (entry.Rate.IsLimited && entry.Rate.FreeAt > now)
        {
            entry.State = FlowState.Held;
            _heldFlows.Add(flow, entry.Rate.FreeAt);
        }
        else
        {
            Enqueue(flow);
        }
    }

    /// <summary>Whether the flow waits, so that its data may not go at the moment.</summary>
    public bool IsWaiting(int flow) => _flows[flow].State != FlowState.Idle;

    /// <summary>The flow whose frame goes next; false: none may go now.</summary>
    public bool TryNext(long now, out int flow)
    {
        while (_heldFlows.FirstKey <= now)
        {
            int freed = _heldFlows.First;
            _heldFlows.Remove(freed);
            Enqueue(freed);
        }

        while (_heldTenants.FirstKey <= now)
        {
            int freed = _heldTenants.First;
            _heldTenants.Remove(freed);
            _ready.Add(freed, _tenants[freed].Start);
        }

        if (_ready.Count == 0 || _link.FreeAt > now)
        {
            flow = None;
            return false;
        }

        flow = _tenants[_ready.First].First;
        return true;
    }

    /// <summary>The flow that <see cref="TryNext"/> named gave a frame.</summary>
    /// <param name="frameBytes">From the link's header on.</param>
    public void OnSent(int flow, int frameBytes, long now)
    {
        ref Flow entry = ref _flows[flow];
        ref Tenant tenant = ref _tenants[entry.Tenant];
        int bytes = frameBytes + WireOverheadBytes;
        _virtualTime = tenant.Start;
        tenant.Start += (long)(bytes * tenant.VirtualNanosecondsPerByte);
        tenant.Maximum.Take(bytes, now);
        tenant.SentBytes += bytes;
        entry.Rate.Take(bytes, now);
        _link.Take(bytes, now);

        tenant.First = entry.Next;
        entry.Next = None;
        if (tenant.First == None)
        {
            tenant.Last = None;
        }

        if (entry.Rate.IsLimited && entry.Rate.FreeAt > now)
        {
            entry.State = FlowState.Held;
            _heldFlows.Add(flow, entry.Rate.FreeAt);
        }
        else
        {
            Append(flow);
        }

        if (tenant.First == None)
        {
            _ready.Remove(entry.Tenant);
        }
        else if (tenant.Maximum.IsLimited && tenant.Maximum.FreeAt > now)
        {
            _ready.Remove(entry.Tenant);
            _heldTenants.Add(entry.Tenant, tenant.Maximum.FreeAt);
        }
        else
        {
            _ready.RaiseFirst(tenant.Start);
        }
    }

    /// <summary>The flow that <see cref="TryNext"/> named has nothing.</summary>
    public void OnEmpty(int flow) => Unlink(flow);

    /// <summary>A frame left that is not held back by anything, such as an acknowledgement: it takes its part of the rates all the same.</summary>
    public void OnSentUnscheduled(int flow, int frameBytes, long now)
    {
        int bytes = frameBytes + WireOverheadBytes;
        _link.Take(bytes, now);
        _tenants[_flows[flow].Tenant].SentBytes += bytes;
    }

    private void Enqueue(int flow)
    {
        ref Tenant tenant = ref _tenants[_flows[flow].Tenant];
        bool wasIdle = tenant.First == None;
        Append(flow);
        if (!wasIdle)
        {
            return;
        }

        tenant.Start = Math.Max(tenant.Start, _virtualTime);
        if (tenant.Maximum.IsLimited)
        {
            // Held until it may: at once, where that is in the past.
            _heldTenants.Add(_flows[flow].Tenant, tenant.Maximum.FreeAt);
        }
        else
        {
            _ready.Add(_flows[flow].Tenant, tenant.Start);
        }
    }

    private void Append(int flow)
    {
        ref Flow entry = ref _flows[flow];
        ref Tenant tenant = ref _tenants[entry.Tenant];
        entry.State = FlowState.Queued;
        entry.Next = None;
        if (tenant.Last == None)
        {
            tenant.First = flow;
        }
        else
        {
            _flows[tenant.Last].Next = flow;
        }

        tenant.Last = flow;
    }

    /// <summary>Takes a flow out of its tenant's queue; a tenant without any waits no more.</summary>
    private void Unlink(int flow)
    {
        ref Flow entry = ref _flows[flow];
        ref Tenant tenant = ref _tenants[entry.Tenant];
        int before = None;
        for (int at = tenant.First; at != flow; at = _flows[at].Next)
        {
            before = at;
        }

        if (before == None)
        {
            tenant.First = entry.Next;
        }
        else
        {
            _flows[before].Next = entry.Next;
        }

        if (tenant.Last == flow)
        {
            tenant.Last = before;
        }

        entry.Next = None;
        entry.State = FlowState.Idle;
        if (tenant.First == None)
        {
            _ready.Remove(entry.Tenant);
            _heldTenants.Remove(entry.Tenant);
        }
    }

    private enum FlowState : byte
    {
        /// <summary>Not known to have a frame.</summary>
        Idle,

        /// <summary>In its tenant's queue.</summary>
        Queued,

        /// <summary>At the rate that its receiver permits.</summary>
        Held,
    }

    private struct Flow
    {
        public int Tenant;
        public int Next;
        public FlowState State;
        public Pace Rate;
    }

    private struct Tenant
    {
        public int First;
        public int Last;
        public double VirtualNanosecondsPerByte;
        public long Start;
        public long SentBytes;
        public Pace Maximum;
    }
}
