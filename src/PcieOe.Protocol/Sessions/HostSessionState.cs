namespace PcieOe.Protocol.Sessions;

/// <summary>Where a host's session stands.</summary>
public enum HostSessionState : byte
{
    /// <summary>Not started, or ended by this host.</summary>
    Closed,

    /// <summary>Asking the target; there is no session.</summary>
    Connecting,

    Established,

    /// <summary>The target does not answer; the session's state is kept, and the target is asked whether it has kept its own.</summary>
    Outage,

    /// <summary>Ended by this host, with something still under way.</summary>
    Closing,

    /// <summary>Ended by the target for good.</summary>
    Lost,
}
