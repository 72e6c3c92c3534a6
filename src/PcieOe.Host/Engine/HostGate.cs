using PcieOe.Daemon.Workers;
using PcieOe.Protocol.Ethernet;
using PcieOe.Protocol.Frames;
using PcieOe.Protocol.Link;
using PcieOe.Protocol.Sessions;
using PcieOe.Transport.Policies.Gatekeeper;

namespace PcieOe.Host.Engine;

/// <summary>Gatekeeper over a host agent's attachments: each is a flow of its tenant, whatever session it has. On the worker's thread.</summary>
internal sealed class HostGate : IGatedFrames
{
    private readonly Attachment[] _attachments;
    private readonly GatedCollector _collector;

    internal HostGate(PortGatekeeper gatekeeper, Attachment[] attachments)
    {
        Gatekeeper = gatekeeper;
        _attachments = attachments;
        _collector = new GatedCollector(gatekeeper.Egress, attachments.Length);
        for (int flow = 0; flow < attachments.Length; flow++)
        {
            gatekeeper.Attach(flow, attachments[flow].Tenant, new GatedSession(attachments[flow].Session));
        }
    }

    internal PortGatekeeper Gatekeeper { get; }

    internal void Collect(FrameBatch batch, MacAddress source, long now)
    {
        for (int flow = 0; flow < _attachments.Length; flow++)
        {
            _collector.MarkReady(flow, now);
        }

        _collector.Collect(this, batch, source, now);
    }

    public int Add(int flow, bool mayCarryData, FrameBatch batch, MacAddress source, long now)
    {
        if (!_attachments[flow].Session.TryGetFrameToSend(
            now, batch.NextHeader, batch.NextScratch, out ReadOnlySpan<byte> content, out MacAddress destination, mayCarryData))
        {
            return 0;
        }

        batch.Add(FrameHeader.Length, content, destination, source, flow);
        batch.IsTimed |= _attachments[flow].Hops.IsNews(_attachments[flow].Session.LastMarkSent);
        return FrameHeader.Length + content.Length;
    }

    private sealed class GatedSession(HostSession session) : IGatedSession
    {
        public LinkCounters Counters => session.Counters;

        public void LimitReceive(int frames) => session.LimitReceive(frames);

        public void ReleaseReceive() => session.ReleaseReceive();

        public void SendFeedback(in FeedbackMessage message) => session.SendFeedback(message);
    }
}
