using PcieOe.Protocol.Link;
using PcieOe.Protocol.Sessions;

namespace PcieOe.Transport.Policies.Gatekeeper;

/// <summary>What Gatekeeper asks of the session behind a flow.</summary>
public interface IGatedSession
{
    /// <summary>What its link has counted; may begin anew with another link.</summary>
    LinkCounters Counters { get; }

    /// <summary>See <see cref="LinkEngine.LimitReceive"/>.</summary>
    void LimitReceive(int frames);

    /// <summary>See <see cref="LinkEngine.ReleaseReceive"/>.</summary>
    void ReleaseReceive();

    /// <summary>Best effort: what is lost is said again soon.</summary>
    void SendFeedback(in FeedbackMessage message);
}
