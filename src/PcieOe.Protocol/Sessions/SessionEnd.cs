namespace PcieOe.Protocol.Sessions;

/// <summary>Why a session ended; a close frame carries the code.</summary>
public enum SessionEnd : byte
{
    /// <summary>The host has no more use for the function.</summary>
    Closed = 0,

    /// <summary>The same host began a new session with the same function.</summary>
    Replaced = 1,

    /// <summary>The target goes down, perhaps to come back: the host looks for it again.</summary>
    Shutdown = 2,

    /// <summary>The target takes the function away from the host for good.</summary>
    Released = 3,

    /// <summary>The host was silent for the whole lease. Never in a close frame.</summary>
    LeaseExpired = 4,

    /// <summary>The target does not know the session any more. Never in a close frame.</summary>
    StateLost = 5,
}
