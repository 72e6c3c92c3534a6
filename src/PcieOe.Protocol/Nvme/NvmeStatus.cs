namespace PcieOe.Protocol.Nvme;

/// <summary>
/// A completion's status: status code type in bits 10:8, status code in bits 7:0 (NVMe 1.4, figures 126 to 132).
/// In the entry it lies one bit higher, above the phase tag (<see cref="CompletionEntry.Status"/>).
/// </summary>
public enum NvmeStatus : ushort
{
    // Generic command status (type 0).
    Success = 0x000,
    InvalidOpcode = 0x001,
    InvalidField = 0x002,
    CommandIdConflict = 0x003,
    DataTransferError = 0x004,
    AbortedPowerLoss = 0x005,
    InternalError = 0x006,
    AbortRequested = 0x007,
    AbortedSubmissionQueueDeletion = 0x008,
    AbortedFailedFused = 0x009,
    AbortedMissingFused = 0x00A,
    InvalidNamespaceOrFormat = 0x00B,
    CommandSequenceError = 0x00C,
    InvalidSglSegmentDescriptor = 0x00D,
    InvalidNumberOfSglDescriptors = 0x00E,
    DataSglLengthInvalid = 0x00F,
    MetadataSglLengthInvalid = 0x010,
    SglDescriptorTypeInvalid = 0x011,
    InvalidUseOfMemoryBuffer = 0x012,
    PrpOffsetInvalid = 0x013,
    AtomicWriteUnitExceeded = 0x014,
    OperationDenied = 0x015,
    SglOffsetInvalid = 0x016,
    HostIdentifierInconsistentFormat = 0x018,
    KeepAliveTimerExpired = 0x019,
    KeepAliveTimeoutInvalid = 0x01A,
    SanitizeInProgress = 0x01D,
    SglDataBlockGranularityInvalid = 0x01E,
    NamespaceIsWriteProtected = 0x020,
    LbaOutOfRange = 0x080,
    CapacityExceeded = 0x081,
    NamespaceNotReady = 0x082,
    ReservationConflict = 0x083,
    FormatInProgress = 0x084,

    // Command specific status (type 1).
    CompletionQueueInvalid = 0x100,
    InvalidQueueIdentifier = 0x101,
    InvalidQueueSize = 0x102,
    AbortCommandLimitExceeded = 0x103,
    AsynchronousEventRequestLimitExceeded = 0x105,
    InvalidFirmwareSlot = 0x106,
    InvalidInterruptVector = 0x108,
    InvalidLogPage = 0x109,
    InvalidFormat = 0x10A,
    InvalidQueueDeletion = 0x10C,
    FeatureIdentifierNotSaveable = 0x10D,
    FeatureNotChangeable = 0x10E,
    FeatureNotNamespaceSpecific = 0x10F,
    NamespaceInsufficientCapacity = 0x115,
    NamespaceIdentifierUnavailable = 0x116,
    NamespaceAlreadyAttached = 0x118,
    NamespaceIsPrivate = 0x119,
    NamespaceNotAttached = 0x11A,
    ThinProvisioningNotSupported = 0x11B,
    ControllerListInvalid = 0x11C,
    ConflictingAttributes = 0x180,

    // Media and data integrity errors (type 2).
    WriteFault = 0x280,
    UnrecoveredReadError = 0x281,
    CompareFailure = 0x285,
    AccessDenied = 0x286,
    DeallocatedOrUnwrittenBlock = 0x287,

    // Path related status (type 3).
    CommandAbortedByHost = 0x371,
}
