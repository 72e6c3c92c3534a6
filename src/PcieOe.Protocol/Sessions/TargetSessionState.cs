namespace PcieOe.Protocol.Sessions;

internal enum TargetSessionState : byte
{
    /// <summary>Its keys are being made.</summary>
    Opening,

    /// <summary>It waits for the host's first protected frame; until then it holds no function and sends nothing.</summary>
    Pending,

    Established,

    /// <summary>Without a function; the host is being told.</summary>
    Closing,

    Ended,
}
