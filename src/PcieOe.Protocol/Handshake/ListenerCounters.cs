namespace PcieOe.Protocol.Handshake;

/// <summary>What a target's listener has counted since it began.</summary>
public struct ListenerCounters
{
    /// <summary>Handshake frames that came, whatever became of them.</summary>
    public long FramesReceived;

    /// <summary>Dropped: damaged, or no hello of this protocol.</summary>
    public long Malformed;

    /// <summary>Dropped: more than a target answers.</summary>
    public long RateLimited;

    /// <summary>Ignored: for a target of another name.</summary>
    public long ForOthers;

    public long ChallengesSent;

    /// <summary>Hellos with a good cookie from somebody who does not belong: unknown host, wrong key, no key.</summary>
    public long NotAuthorized;

    /// <summary>Genuine hellos refused with a reason.</summary>
    public long Refused;

    /// <summary>Hellos seen before: retransmissions and replays.</summary>
    public long Repeated;

    /// <summary>Hellos that cost an elliptic-curve agreement.</summary>
    public long KeyAgreements;

    /// <summary>Of these, with a public key that is no point of the curve.</summary>
    public long BadPublicKeys;

    public long SessionsResumed;
}
