namespace PcieOe.Protocol.Sessions;

/// <summary>How an established session relates to what was before.</summary>
public enum HostSessionKind : byte
{
    /// <summary>The first one since <see cref="HostSession.Start"/>.</summary>
    New,

    /// <summary>An outage is over; nothing was lost.</summary>
    Resumed,

    /// <summary>The one before was lost: the target has no state of it, and the function is as its reset leaves it.</summary>
    Replaced,
}
