namespace PcieOe.Protocol.Handshake;

/// <summary>A target's answer to a hello. Codes from 16 on refuse.</summary>
public enum AcceptStatus : byte
{
    /// <summary>A new session: both sides begin with nothing.</summary>
    New = 0,

    /// <summary>The session that the hello named is still there: both sides go on where they were.</summary>
    Resumed = 1,

    /// <summary>Unknown host, wrong key, or a clear hello where keys are asked for: who cannot authenticate is not told which.</summary>
    NotAuthorized = 16,

    /// <summary>The target does not speak the hello's version of the handshake.</summary>
    VersionNotSupported = 17,

    /// <summary>The target runs without keys, and the hello asks for them.</summary>
    TargetIsInsecure = 18,

    /// <summary>The target has no function of this name for this host.</summary>
    NoSuchFunction = 19,

    /// <summary>Another host holds the function.</summary>
    FunctionBusy = 20,

    /// <summary>The target has no room for another session.</summary>
    TargetFull = 21,

    /// <summary>The smaller of both MTUs is below what the link needs.</summary>
    MtuTooSmall = 22,

    /// <summary>The target is going down and takes no sessions.</summary>
    Draining = 23,
}

public static class AcceptStatusExtensions
{
    public static bool IsRefusal(this AcceptStatus status) => (byte)status >= 16;
}
