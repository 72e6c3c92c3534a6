using PcieOe.Protocol.Link;

namespace PcieOe.Simulation;

/// <summary>One direction between a host and its function, over all its sessions: how many TLPs must arrive, and did.</summary>
internal sealed class Lane(string name, Scenario scenario, Totals totals)
{
    public string Name => name;

    public Scenario Scenario => scenario;

    public long Delivered { get; private set; }

    /// <summary>What the present session's sender has put in; null while there is no session.</summary>
    public Flow? Flow { get; private set; }

    public bool IsDone => Delivered >= scenario.Tlps && Flow is { } flow && flow.Committed == flow.Delivered && flow.UnfinishedCommands == 0;

    /// <summary>The sender's session began.</summary>
    public Flow BeginFlow(uint id)
    {
        Flow = new Flow(this, id);
        return Flow;
    }

    /// <summary>The sender has been told that its session is over, or is gone itself.</summary>
    public void EndFlow()
    {
        totals.SessionsLost += Flow is not null ? 1 : 0;
        Flow = null;
    }

    public void OnDelivered(Flow flow)
    {
        flow.Delivered++;
        Delivered++;
        totals.Tlps++;
    }

    public override string ToString() =>
        Flow is null ? $"{name} without session, {Delivered} delivered" : $"{name} {Flow.Committed} sent, {Flow.Delivered} delivered, {Delivered} in all";
}

/// <summary>The TLPs of one lane in one session. Every TLP says of which flow it is, and which of it.</summary>
internal sealed class Flow(Lane lane, uint id)
{
    public Lane Lane => lane;

    public uint Id => id;

    public long Committed { get; set; }

    public long CommittedBytes { get; set; }

    public long Delivered { get; set; }

    public long DeliveredBytes { get; set; }

    /// <summary>The one receiving session that has seen it.</summary>
    public ITlpSink? Receiver { get; set; }

    /// <summary>Commands whose writes are not all put in yet; 0 where TLPs come without.</summary>
    public int UnfinishedCommands { get; set; }
}
