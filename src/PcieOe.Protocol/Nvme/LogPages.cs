using System.Runtime.InteropServices;

namespace PcieOe.Protocol.Nvme;

/// <summary>An entry of the Error Information log, little-endian, 64 bytes (NVMe 1.4, figure 193).</summary>
[StructLayout(LayoutKind.Explicit, Size = SizeBytes)]
public struct ErrorLogEntry
{
    public const int SizeBytes = 64;

    /// <summary>1 for the first error ever; 0 for an unused entry.</summary>
    [FieldOffset(0)] public ulong ErrorCount;

    /// <summary>FFFFh where no queue is concerned.</summary>
    [FieldOffset(8)] public ushort SubmissionQueueId;

    [FieldOffset(10)] public ushort CommandId;

    /// <summary>As in the completion entry.</summary>
    [FieldOffset(12)] public ushort StatusField;

    /// <summary>Byte 7:0 and bit 10:8 of the entry that the error is about; FFFFh for none.</summary>
    [FieldOffset(14)] public ushort ParameterErrorLocation;

    [FieldOffset(16)] public ulong Lba;
    [FieldOffset(24)] public uint NamespaceId;
    [FieldOffset(28)] public byte VendorSpecificLogPage;

    /// <summary>TRTYPE; 0 for PCIe.</summary>
    [FieldOffset(29)] public byte TransportType;

    [FieldOffset(32)] public ulong CommandSpecific;
}

/// <summary>The SMART / Health Information log, little-endian, 512 bytes (NVMe 1.4, figure 194). Counters of 16 bytes: lower half.</summary>
[StructLayout(LayoutKind.Explicit, Size = SizeBytes)]
public struct SmartLog
{
    public const int SizeBytes = 512;

    /// <summary>Bit 0 spare low, 1 temperature, 2 reliability degraded, 3 read only.</summary>
    [FieldOffset(0)] public byte CriticalWarning;

    [FieldOffset(1)] public ushort CompositeTemperatureKelvin;
    [FieldOffset(3)] public byte AvailableSparePercent;
    [FieldOffset(4)] public byte AvailableSpareThresholdPercent;
    [FieldOffset(5)] public byte PercentageUsed;

    /// <summary>In thousands of 512 bytes, rounded up.</summary>
    [FieldOffset(32)] public ulong DataUnitsRead;

    /// <summary>In thousands of 512 bytes, rounded up.</summary>
    [FieldOffset(48)] public ulong DataUnitsWritten;

    [FieldOffset(64)] public ulong HostReadCommands;
    [FieldOffset(80)] public ulong HostWriteCommands;
    [FieldOffset(96)] public ulong BusyMinutes;
    [FieldOffset(112)] public ulong PowerCycles;
    [FieldOffset(128)] public ulong PowerOnHours;
    [FieldOffset(144)] public ulong UnsafeShutdowns;
    [FieldOffset(160)] public ulong MediaErrors;
    [FieldOffset(176)] public ulong ErrorLogEntries;
    [FieldOffset(192)] public uint WarningTemperatureMinutes;
    [FieldOffset(196)] public uint CriticalTemperatureMinutes;
}

/// <summary>Sizes and bits of the log pages that are plain tables.</summary>
public static class LogPageLayout
{
    /// <summary>Firmware Slot Information (NVMe 1.4, figure 195): AFI at 0, eight characters for each slot from 8 on.</summary>
    public const int FirmwareSlotBytes = 512;

    /// <summary>Changed Namespace List (figure 196): 1024 identifiers, FFFFFFFFh first where there are more.</summary>
    public const int ChangedNamespacesBytes = 4096;

    /// <summary>Commands Supported and Effects (figure 197): a dword for each admin opcode, then one for each I/O opcode from 1024 on.</summary>
    public const int EffectsBytes = 4096;

    /// <summary>Where the I/O command set starts in the effects log.</summary>
    public const int EffectsIoOffset = 1024;

    /// <summary>CSUPP: the command is supported.</summary>
    public const uint EffectSupported = 1 << 0;

    /// <summary>LBCC: it may change block content.</summary>
    public const uint EffectContentChange = 1 << 1;

    /// <summary>NCC: it may change namespaces' capabilities.</summary>
    public const uint EffectNamespaceCapabilityChange = 1 << 2;

    /// <summary>NIC: it may change the inventory of namespaces.</summary>
    public const uint EffectNamespaceInventoryChange = 1 << 3;
}
