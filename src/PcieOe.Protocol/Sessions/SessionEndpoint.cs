using PcieOe.Protocol.Keys;
using PcieOe.Protocol.Link;

namespace PcieOe.Protocol.Sessions;

/// <summary>What both ends of a session have: its link while there is one, with the keys, and what there is to know of it.</summary>
public abstract class SessionEndpoint
{
    private readonly SessionTransmitter _transmitter;
    private FrameCipher? _cipher;

    private protected SessionEndpoint(ReadySet? ready, int index) => _transmitter = new SessionTransmitter(ready, index);

    /// <summary>Where TLPs to the other end go, through all links that this end has. No room while there is no session.</summary>
    public ITlpTransmitter Transmitter => _transmitter;

    /// <summary>What the present link has counted; zeros while there is none.</summary>
    public LinkCounters Counters => Link?.Counters ?? default;

    /// <summary>See <see cref="LinkEngine.LastMarkSent"/>.</summary>
    public uint LastMarkSent => Link?.LastMarkSent ?? 0;

    /// <summary>See <see cref="LinkEngine.FramesLost"/>.</summary>
    public long FramesLost => Link?.FramesLost ?? 0;

    public long SmoothedRoundTripNanoseconds => Link?.SmoothedRoundTripNanoseconds ?? 0;

    /// <summary>The present session's frames are sealed.</summary>
    public bool IsKeyed => _cipher is not null;

    private protected LinkEngine? Link { get; private set; }

    /// <summary>The port did not take the last frames that this session gave: they count as lost.</summary>
    public void OnSendFailed(int frames) => Link?.OnSendFailed(frames);

    /// <param name="cipher">Is this object's to dispose of from here on.</param>
    private protected LinkEngine MakeLink(LinkOptions options, FrameCipher? cipher, uint peerSessionId, ITlpSink sink, ILinkControlSink control, long now)
    {
        _cipher = cipher;
        return Link = new LinkEngine(options, cipher, peerSessionId, sink, control, now);
    }

    /// <summary>TLPs may go.</summary>
    private protected void OpenTransmitter() => _transmitter.Link = Link;

    private protected void CloseTransmitter() => _transmitter.Link = null;

    private protected void OnLinkTimer(long now)
    {
        _cipher?.Prepare();
        Link?.OnTimer(now);
    }

    private protected void DropLink()
    {
        CloseTransmitter();
        Link?.Dispose();
        Link = null;
        _cipher?.Dispose();
        _cipher = null;
    }
}
