using PcieOe.Protocol.Handshake;

namespace PcieOe.Protocol.Sessions;

/// <summary>What a host learns of its session. Called on the session's thread, inside its methods; the session may be closed there.</summary>
public interface IHostSessionEvents
{
    /// <summary>TLPs may go.</summary>
    /// <param name="kind">Whether anything of an earlier session is left.</param>
    void OnEstablished(HostSessionKind kind, in HostSessionInfo info, long now);

    /// <summary>The target does not answer. What was sent is kept and sent again; <see cref="OnEstablished"/> or <see cref="OnLost"/> follows.</summary>
    void OnOutage(long now);

    /// <summary>
    /// The session has ended: nothing of it comes or arrives any more, and it is not known which of the TLPs not yet answered did.
    /// </summary>
    /// <param name="reconnects">The session goes on to look for the target by itself; false: it ends here until it is started again.</param>
    void OnLost(SessionEnd reason, bool reconnects, long now);

    /// <summary>The target refuses. The session goes on asking, at its slowest pace, until it is closed.</summary>
    /// <param name="isAuthentic">False: anybody could have said it, so it is good for a hint in a log alone.</param>
    void OnRefused(AcceptStatus reason, bool isAuthentic, long now);

    /// <summary>The target says what rate frames to it may have. A host that does not care is held by its window.</summary>
    void OnFeedback(in FeedbackMessage feedback, long now)
    {
    }
}
