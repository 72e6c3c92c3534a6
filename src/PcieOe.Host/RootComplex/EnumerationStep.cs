namespace PcieOe.Host.RootComplex;

/// <summary>Why a function is set up.</summary>
internal enum EnumerationPurpose : byte
{
    /// <summary>It is not known yet.</summary>
    Discover,

    /// <summary>It is known, and came back in a new session with its state lost.</summary>
    Replay,

    /// <summary>A function level reset was asked for.</summary>
    Reset,
}

internal enum EnumerationStep : byte
{
    Idle,
    InitiateReset,

    /// <summary>Reads the identifiers until the function is there.</summary>
    Probe,
    ReadSpace,
    WriteSizingPattern,
    ReadSizes,

    /// <summary>Writes BARs, device control, MSI-X control, the command register.</summary>
    Program,

    /// <summary>Posts the far MSI-X table.</summary>
    ProgramInterrupts,

    /// <summary>A read behind the posted writes: once it is answered they have arrived.</summary>
    Confirm,
}

internal enum EnumerationOutcome : byte
{
    None,
    Succeeded,

    /// <summary>The function of the new session is not the one that was there before.</summary>
    DifferentFunction,
}
