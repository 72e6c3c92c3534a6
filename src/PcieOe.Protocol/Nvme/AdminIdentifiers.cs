namespace PcieOe.Protocol.Nvme;

/// <summary>CNS of Identify (NVMe 1.4, figure 245; from <see cref="CommandSetNamespace"/> on NVMe 2.0).</summary>
public enum IdentifyCns : byte
{
    Namespace = 0x00,
    Controller = 0x01,
    ActiveNamespaceList = 0x02,
    NamespaceDescriptors = 0x03,
    NvmSetList = 0x04,
    CommandSetNamespace = 0x05,
    CommandSetController = 0x06,
    IndependentNamespace = 0x08,
    AllocatedNamespaceList = 0x10,
    AllocatedNamespace = 0x11,
    ControllersOfNamespace = 0x12,
    ControllerList = 0x13,
}

/// <summary>Feature identifiers (NVMe 1.4, figure 271).</summary>
public enum FeatureId : byte
{
    Arbitration = 0x01,
    PowerManagement = 0x02,
    LbaRangeType = 0x03,
    TemperatureThreshold = 0x04,
    ErrorRecovery = 0x05,
    VolatileWriteCache = 0x06,
    NumberOfQueues = 0x07,
    InterruptCoalescing = 0x08,
    InterruptVectorConfiguration = 0x09,
    WriteAtomicityNormal = 0x0A,
    AsynchronousEventConfiguration = 0x0B,
    AutonomousPowerStateTransition = 0x0C,
    HostMemoryBuffer = 0x0D,
    Timestamp = 0x0E,
    KeepAliveTimer = 0x0F,
    HostControlledThermalManagement = 0x10,
    HostBehaviorSupport = 0x16,
    SoftwareProgressMarker = 0x80,
    HostIdentifier = 0x81,
}

/// <summary>Log page identifiers (NVMe 1.4, figure 191).</summary>
public enum LogPageId : byte
{
    ErrorInformation = 0x01,
    SmartHealth = 0x02,
    FirmwareSlot = 0x03,
    ChangedNamespaces = 0x04,
    CommandsSupportedAndEffects = 0x05,
}

/// <summary>Types of asynchronous events (NVMe 1.4, figure 146).</summary>
public enum AsynchronousEventType : byte
{
    ErrorStatus = 0,
    SmartHealth = 1,
    Notice = 2,
    IoCommandSet = 6,
    VendorSpecific = 7,
}
