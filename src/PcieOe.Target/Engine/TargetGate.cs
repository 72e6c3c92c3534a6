using PcieOe.Daemon.Workers;
using PcieOe.Protocol.Ethernet;
using PcieOe.Protocol.Frames;
using PcieOe.Protocol.Link;
using PcieOe.Protocol.Sessions;
using PcieOe.Transport.Policies.Gatekeeper;

namespace PcieOe.Target.Engine;

/// <summary>Gatekeeper over a target's sessions: each established session is a flow of its host's tenant. On the worker's thread.</summary>
internal sealed class TargetGate : IGatedFrames
{
    private readonly TargetSessions _sessions;
    private readonly TargetSession?[] _flows;
    private readonly TargetSession?[] _batchOwners;
    private readonly GatedCollector _collector;

    /// <param name="batchOwners">Whose each frame of a batch is: written for each frame that is collected.</param>
    internal TargetGate(PortGatekeeper gatekeeper, TargetSessions sessions, TargetSession?[] batchOwners)
    {
        Gatekeeper = gatekeeper;
        _sessions = sessions;
        _batchOwners = batchOwners;
        _flows = new TargetSession?[sessions.MaximumEntries];
        _collector = new GatedCollector(gatekeeper.Egress, sessions.MaximumEntries);
    }

    internal PortGatekeeper Gatekeeper { get; }

    internal void Attach(TargetSession session, string tenant, long now)
    {
        _flows[session.Index] = session;
        Gatekeeper.Attach(session.Index, tenant, new GatedSession(_sessions, session));

        // It may have had frames before it was known here.
        _collector.MarkReady(session.Index, now);
    }

    internal void Detach(TargetSession session)
    {
        if (_flows[session.Index] == session)
        {
            _flows[session.Index] = null;
            Gatekeeper.Detach(session.Index);
        }
    }

    /// <summary>Adds frames to the batch: those outside sessions, those of sessions that are no tenant's yet or any more, then the tenants' in order.</summary>
    internal void Collect(FrameBatch batch, MacAddress source, long now)
    {
        while (!batch.IsFull && _sessions.TryGetFrameOutsideSessions(batch.NextHeader, out ReadOnlySpan<byte> content, out MacAddress destination))
        {
            _batchOwners[batch.Count] = null;
            batch.Add(FrameHeader.Length, content, destination, source, batch.Count);
        }

        while (!batch.IsFull && _sessions.TryTakeReady(out TargetSession? session))
        {
            if (_flows[session.Index] == session)
            {
                _collector.MarkReady(session.Index, now);
                continue;
            }

            while (!batch.IsFull && Add(session, mayCarryData: true, batch, source, now) > 0)
            {
            }

            if (batch.IsFull)
            {
                _sessions.MarkReady(session);
            }
        }

        _collector.Collect(this, batch, source, now);
    }

    public int Add(int flow, bool mayCarryData, FrameBatch batch, MacAddress source, long now) => Add(_flows[flow]!, mayCarryData, batch, source, now);

    private int Add(TargetSession session, bool mayCarryData, FrameBatch batch, MacAddress source, long now)
    {
        bool hasFrame = session.TryGetFrameToSend(now, batch.NextHeader, batch.NextScratch, out ReadOnlySpan<byte> content, out MacAddress destination, mayCarryData);
        _sessions.OnFramesTaken(session);
        if (!hasFrame)
        {
            return 0;
        }

        _batchOwners[batch.Count] = session;
        batch.Add(FrameHeader.Length, content, destination, source, batch.Count);
        batch.IsTimed |= session.TakeHasMarkLeft();
        return FrameHeader.Length + content.Length;
    }

    private sealed class GatedSession(TargetSessions sessions, TargetSession session) : IGatedSession
    {
        public LinkCounters Counters => session.Counters;

        public void LimitReceive(int frames) => sessions.LimitReceive(session, frames);

        public void ReleaseReceive() => sessions.ReleaseReceive(session);

        public void SendFeedback(in FeedbackMessage message) => sessions.SendFeedback(session, message);
    }
}
