namespace PcieOe.Host.RootComplex;

/// <summary>Offsets and bits of configuration space that the root complex itself deals with (PCIe base spec. 7.5.1, 7.5.3, 7.7.2, 7.8.4).</summary>
internal static class ConfigRegister
{
    public const int SpaceBytes = 4096;
    public const int ExtendedStart = 0x100;

    public const int Identifiers = 0x00;
    public const int CommandStatus = 0x04;
    public const int ClassRevision = 0x08;
    public const int HeaderType = 0x0C;
    public const int FirstBar = 0x10;
    public const int BarCount = 6;
    public const int SubsystemIdentifiers = 0x2C;
    public const int ExpansionRom = 0x30;
    public const int CapabilitiesPointer = 0x34;
    public const int InterruptLine = 0x3C;

    public const uint CommandMemorySpace = 1 << 1;
    public const uint CommandBusMaster = 1 << 2;

    /// <summary>I/O, memory, bus master, parity, SERR#, INTx disable.</summary>
    public const uint CommandWritable = 0x0547;
    public const uint StatusCapabilitiesList = 1u << 20;

    public const byte CapabilityPowerManagement = 0x01;
    public const byte CapabilityPcie = 0x10;
    public const byte CapabilityMsix = 0x11;

    public const int PowerManagementControl = 0x04;

    public const int PcieDeviceCapabilities = 0x04;
    public const int PcieDeviceControl = 0x08;
    public const int PcieLinkControl = 0x10;
    public const int PcieDeviceCapabilities2 = 0x24;
    public const int PcieDeviceControl2 = 0x28;
    public const int PcieLinkControl2 = 0x30;
    public const uint DeviceCapabilitiesPayloadMask = 7;
    public const uint DeviceCapabilitiesExtendedTag = 1 << 5;
    public const uint DeviceControlRelaxedOrdering = 1 << 4;
    public const int DeviceControlPayloadShift = 5;
    public const uint DeviceControlExtendedTag = 1 << 8;
    public const int DeviceControlReadRequestShift = 12;
    public const uint DeviceControlInitiateReset = 1 << 15;
    public const uint DeviceCapabilities2TenBitTagRequester = 1 << 17;
    public const uint DeviceControl2TenBitTagRequester = 1 << 12;

    public const int MsixControl = 0x00;
    public const int MsixTable = 0x04;
    public const uint MsixControlEnable = 1u << 31;
    public const uint MsixControlFunctionMask = 1u << 30;
    public const uint MsixControlTableSizeMask = 0x7FF;
    public const int MsixEntryBytes = 16;

    public const ushort ExtendedAdvancedErrorReporting = 0x0001;
    public const int AerUncorrectableMask = 0x08;
    public const int AerUncorrectableSeverity = 0x0C;
    public const int AerCorrectableMask = 0x14;

    public const uint BarIsIo = 1;
    public const uint BarTypeMask = 6;
    public const uint BarType64 = 4;
    public const uint BarPrefetchable = 8;
    public const uint BarFlagsMask = 0xF;
}
