using PcieOe.Daemon.Workers;
using PcieOe.Protocol.Ethernet;
using PcieOe.Protocol.Frames;
using PcieOe.Protocol.Handshake;
using PcieOe.Protocol.Sessions;
using PcieOe.Transport.Policies.Gatekeeper;
using PcieOe.Transport.Ports;

namespace PcieOe.Host.Engine;

/// <summary>What a host agent's worker drives: its attachments, each a session of its own. Everything is on the worker's thread.</summary>
internal sealed class HostEngine : IWorkerEngine, IDisposable
{
    private readonly Attachment[] _attachments;
    private readonly HandshakeRunner[] _handshakes;
    private HostGate? _gate;
    private int _first;

    /// <param name="attachments">Fixed for the engine's life; the index of each in its session's options is its place here.</param>
    internal HostEngine(IEnumerable<Attachment> attachments)
    {
        _attachments = [.. attachments];
        _handshakes = new HandshakeRunner[_attachments.Length];
        for (int i = 0; i < _attachments.Length; i++)
        {
            int flow = i;
            _attachments[i].FeedbackHandler = (in feedback, now) => OnFeedback(flow, feedback, now);
        }
    }

    internal IReadOnlyList<Attachment> Attachments => _attachments;

    /// <summary>What shares the port among tenants; null: attachments send in turn.</summary>
    internal PortGatekeeper? Gatekeeper => _gate?.Gatekeeper;

    /// <summary>Frames that belong to no attachment.</summary>
    internal long StrayFrames { get; private set; }

    public bool MustKeepLooking
    {
        get
        {
            foreach (Attachment attachment in _attachments)
            {
                if (attachment.MustKeepLooking)
                {
                    return true;
                }
            }

            return false;
        }
    }

    public long NextDeadline
    {
        get
        {
            long next = _gate?.Gatekeeper.NextDeadline ?? long.MaxValue;
            foreach (Attachment attachment in _attachments)
            {
                next = Math.Min(next, attachment.NextDeadline);
            }

            return next;
        }
    }

    /// <summary>Has a Gatekeeper share the port. Before the worker starts.</summary>
    internal void UseGatekeeper(PortGatekeeper gatekeeper) => _gate = new HostGate(gatekeeper, _attachments);

    internal Attachment? Find(string name) => Array.Find(_attachments, attachment => attachment.Name == name);

    /// <summary>Before the worker starts.</summary>
    internal void UseHandshakes(Action wake)
    {
        for (int i = 0; i < _handshakes.Length; i++)
        {
            _handshakes[i] = new HandshakeRunner(wake);
        }
    }

    internal void Start(long now)
    {
        foreach (Attachment attachment in _attachments)
        {
            attachment.Session.Start(now);
        }
    }

    /// <summary>Front ends take leave, sessions close in order; rounds go on until <see cref="IsClosed"/>.</summary>
    internal void Stop(long now)
    {
        foreach (Attachment attachment in _attachments)
        {
            attachment.Stop(now);
        }
    }

    internal bool IsClosed => Array.TrueForAll(_attachments, attachment => attachment.IsClosed);

    public void OnFrame(ReadOnlySpan<byte> frame, MacAddress source, in ReceivedFrame received, long now)
    {
        if (FrameView.TryPeek(frame, out _, out uint sessionId) && new SessionId(sessionId).Index is int index && index < _attachments.Length)
        {
            Attachment attachment = _attachments[index];
            attachment.Hops.Arrivals?.OnFrame(received.TimestampNanoseconds);
            attachment.Session.OnFrame(frame, source, now);
            return;
        }

        StrayFrames++;
    }

    public bool Poll(long now)
    {
        _gate?.Gatekeeper.OnTimer(now);
        bool worked = false;
        for (int i = 0; i < _attachments.Length; i++)
        {
            if (_handshakes[i].TryTake(out HandshakeResult? result))
            {
                _attachments[i].Session.OnHandshakeResult(result, now);
                worked = true;
            }

            worked |= _attachments[i].Poll(_handshakes[i], now);
        }

        return worked;
    }

    public void CollectFrames(FrameBatch batch, MacAddress source, long now)
    {
        if (_gate is not null)
        {
            _gate.Collect(batch, source, now);
            return;
        }

        // Frame by frame in turn, and another one begins each time, so that no attachment has the port for itself.
        int silent = 0;
        for (int at = _first; silent < _attachments.Length && !batch.IsFull; at++)
        {
            int index = at % _attachments.Length;
            if (_attachments[index].Session.TryGetFrameToSend(now, batch.NextHeader, batch.NextScratch, out ReadOnlySpan<byte> content, out MacAddress destination))
            {
                batch.Add(FrameHeader.Length, content, destination, source, index);
                batch.IsTimed |= _attachments[index].Hops.IsNews(_attachments[index].Session.LastMarkSent);
                silent = 0;
            }
            else
            {
                silent++;
            }
        }

        _first = _attachments.Length == 0 ? 0 : (_first + 1) % _attachments.Length;
    }

    public void OnLeaving()
    {
        foreach (Attachment attachment in _attachments)
        {
            attachment.Hops.OnLeaving(attachment.Session.LastMarkSent);
        }
    }

    public void OnSendRefused(int owner, long now) => _attachments[owner].Session.OnSendFailed(1);

    public void OnTimer(long now)
    {
        foreach (Attachment attachment in _attachments)
        {
            attachment.OnTimer(now);
        }
    }

    private void OnFeedback(int flow, in FeedbackMessage feedback, long now)
    {
        // Nothing may be shared here, but who receives too much is heard all the same.
        _gate ??= new HostGate(new PortGatekeeper(new GatekeeperOptions(), null, _attachments.Length), _attachments);
        _gate.Gatekeeper.OnFeedback(flow, feedback, now);
    }

    public void Dispose()
    {
        foreach (HandshakeRunner handshakes in _handshakes)
        {
            handshakes?.Dispose();
        }

        foreach (Attachment attachment in _attachments)
        {
            attachment.Dispose();
        }
    }
}
