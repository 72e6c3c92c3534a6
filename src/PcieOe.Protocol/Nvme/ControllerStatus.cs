namespace PcieOe.Protocol.Nvme;

/// <summary>CSTS (NVMe 1.4, section 3.1.6): RDY 0, CFS 1, SHST 3:2, NSSRO 4, PP 5.</summary>
public readonly record struct ControllerStatus(uint Value)
{
    public const uint ReadyBit = 1 << 0;
    public const uint FatalBit = 1 << 1;
    public const uint ShutdownMask = 3 << 2;
    public const uint ShutdownOccurring = 1 << 2;
    public const uint ShutdownComplete = 2 << 2;
    public const uint SubsystemResetOccurredBit = 1 << 4;

    /// <summary>RDY.</summary>
    public bool IsReady => (Value & ReadyBit) != 0;

    /// <summary>CFS: only a reset helps.</summary>
    public bool IsFatal => (Value & FatalBit) != 0;

    /// <summary>SHST says that shutdown processing is complete.</summary>
    public bool IsShutdownComplete => (Value & ShutdownMask) == ShutdownComplete;
}
