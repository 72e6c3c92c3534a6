namespace PcieOe.Host.NvmeDriver;

/// <summary>What the driver does, one after another, to have a working controller (NVMe 1.4, section 7.6.1).</summary>
internal enum BringUpStep : byte
{
    Idle,
    ReadCapabilities,
    Disable,
    WaitDisabled,
    ShowMemoryBuffer,
    ReadMemoryBuffer,
    PlaceMemoryBuffer,
    Enable,
    WaitReady,
    IdentifyController,
    ListNamespaces,
    IdentifyNamespace,
    SetQueueCount,
    CreateCompletionQueue,
    CreateSubmissionQueue,
}

internal enum BringUpOutcome : byte
{
    None,
    Succeeded,

    /// <summary>The controller did not do what it should; try again after a while.</summary>
    Failed,
}
