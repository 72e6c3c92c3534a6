using PcieOe.FlashEndpoint.Controller;
using PcieOe.Protocol.Functions;
using PcieOe.Protocol.Nvme;

namespace PcieOe.FlashEndpoint.Pcie;

/// <summary>
/// Lays out the configuration space of an NVMe function: type 0 header, power management, MSI-X, PCI Express, and as extended capabilities
/// AER, device serial number and the hints for bridges (PCIe base spec. 7.5 to 7.9). And BAR 0:
/// registers 0000h-0FFFh, doorbells 1000h-1FFFh (a page of their own, so that it can be mapped), MSI-X table 2000h, pending bits 3000h.
/// </summary>
internal static class NvmeConfigurationLayout
{
    public const int Command = 0x04;
    public const int Bar0 = 0x10;
    public const int Bar2 = 0x18;
    public const int PowerManagement = 0x40;
    public const int PowerManagementControl = PowerManagement + 4;
    public const int Msix = 0x50;
    public const int MsixControl = Msix + 2;
    public const int Express = 0x60;
    public const int DeviceControl = Express + 8;
    public const int Aer = 0x100;
    public const int SerialNumber = 0x150;
    public const int Hints = 0x160;

    public const ushort CommandMemorySpaceBit = 1 << 1;
    public const ushort CommandBusMasterBit = 1 << 2;
    public const ushort InitiateFunctionResetBit = 1 << 15;
    public const ushort MsixEnableBit = 1 << 15;
    public const ushort MsixFunctionMaskBit = 1 << 14;
    public const ushort PowerStateMask = 3;
    public const uint MemorySwitchBit = 1;

    public const int Bar0Bytes = 0x4000;
    public const int DoorbellsOffset = 0x1000;
    public const int MsixTableOffset = 0x2000;
    public const int MsixPendingOffset = 0x3000;

    public static PciConfigurationSpace Create(NvmeOptions options, MsixTable msix, ControllerCapabilities capabilities)
    {
        var space = new PciConfigurationSpace();
        DefineHeader(space, options);
        DefinePowerManagement(space);
        DefineMsix(space, msix);
        DefineExpress(space);
        DefineAer(space);
        DefineSerialNumber(space, options);
        BridgeHints hints = MakeHints(options, capabilities);
        hints.Write(space.Define(Hints, PciConfigurationSpace.SizeBytes - Hints), next: 0);
        if (options.MemoryBufferBytes != 0)
        {
            // Whoever hides the memory from a driver does so once, not after each reset that the driver makes.
            int offset = MemorySwitchOffset(hints);
            space.Define32(offset, 1, writable: MemorySwitchBit);
            space.KeepOverFunctionReset(offset, [(byte)MemorySwitchBit]);
        }

        space.Seal();
        return space;
    }

    /// <summary>The doubleword of <see cref="BridgeHints.MemorySwitchOffset"/>.</summary>
    public static int MemorySwitchOffset(BridgeHints hints) => Hints + hints.WrittenLength - sizeof(uint);

    private static void DefineHeader(PciConfigurationSpace space, NvmeOptions options)
    {
        space.Define16(0x00, options.VendorId);
        space.Define16(0x02, options.DeviceId);

        // Memory space, bus master, parity error response, SERR, interrupt disable.
        space.Define16(Command, 0, writable: 0x0546);
        space.Define16(0x06, 0x0010, clearedByOnes: 0xF900);
        space.Define32(0x08, 0x0108_0200);
        space.Define8(0x0C, 0);

        // 64 bits, not prefetchable: registers have side effects.
        space.Define32(Bar0, 0x4, writable: ~(uint)(Bar0Bytes - 1));
        space.Define32(Bar0 + 4, 0, writable: uint.MaxValue);
        if (options.MemoryBufferBytes != 0)
        {
            // 64 bits, prefetchable.
            space.Define32(Bar2, 0xC, writable: ~(uint)(options.MemoryBufferBytes - 1));
            space.Define32(Bar2 + 4, 0, writable: uint.MaxValue);
        }

        space.Define16(0x2C, options.SubsystemVendorId);
        space.Define16(0x2E, options.SubsystemId);
        space.Define8(0x34, PowerManagement);
        space.Define16(0x3C, 0, writable: 0x00FF);
    }

    private static void DefinePowerManagement(PciConfigurationSpace space)
    {
        space.Define8(PowerManagement, 0x01);
        space.Define8(PowerManagement + 1, Msix);
        space.Define16(PowerManagement + 2, 0x0003);

        // No soft reset: what was set up survives D3hot.
        space.Define16(PowerManagementControl, 0x0008, writable: PowerStateMask);
    }

    private static void DefineMsix(PciConfigurationSpace space, MsixTable msix)
    {
        space.Define8(Msix, 0x11);
        space.Define8(Msix + 1, Express);
        space.Define16(MsixControl, (ushort)(msix.Count - 1), writable: MsixEnableBit | MsixFunctionMaskBit);
        space.Define32(Msix + 4, MsixTableOffset);
        space.Define32(Msix + 8, MsixPendingOffset);
    }

    private static void DefineExpress(PciConfigurationSpace space)
    {
        space.Define8(Express, 0x10);
        space.Define16(Express + 2, 0x0002);

        // Payloads to 4096 bytes, extended tags, any L0s/L1 latency, role-based errors, FLR.
        space.Define32(Express + 0x04, 5 | 1 << 5 | 7 << 6 | 7 << 9 | 1 << 15 | 1 << 28);

        // MRRS 512 and extended tags at start.
        space.Define16(DeviceControl, 0x2910, writable: 0xF9FF);
        space.Define16(Express + 0x0A, 0, clearedByOnes: 0x000F);
        space.KeepOverFunctionReset(DeviceControl, [0xE0, 0x00]);

        // x4 at 8 GT/s: what the link would be; nothing trains here.
        space.Define32(Express + 0x0C, 3 | 4 << 4);
        space.Define16(Express + 0x10, 0, writable: 0x01CB);
        space.KeepOverFunctionReset(Express + 0x10, [0xCB, 0x01]);
        space.Define16(Express + 0x12, 3 | 4 << 4);

        // Completion timeout can be disabled; 10-bit tags as completer and as requester.
        space.Define32(Express + 0x24, 1 << 4 | 1 << 16 | 1 << 17);
        space.Define16(Express + 0x28, 0, writable: 1 << 4 | 1 << 12);
        space.Define32(Express + 0x2C, 7 << 1);
        space.Define16(Express + 0x30, 3, writable: 0x000F);
    }

    private static void DefineAer(PciConfigurationSpace space)
    {
        const uint Uncorrectable = 0x007F_F030;
        const uint Correctable = 0x0000_F1C1;
        space.Define32(Aer, 0x0001 | 2 << 16 | SerialNumber << 20);
        space.Define32(Aer + 0x04, 0, clearedByOnes: Uncorrectable);
        space.Define32(Aer + 0x08, 0x0040_0000, writable: Uncorrectable);
        space.Define32(Aer + 0x0C, 0x0046_2030, writable: Uncorrectable);
        space.Define32(Aer + 0x10, 0, clearedByOnes: Correctable);
        space.Define32(Aer + 0x14, 0x0000_E000, writable: Correctable);
        space.Define32(Aer + 0x18, 0);
        Span<byte> sticky = stackalloc byte[0x14];
        sticky.Fill(0xFF);
        space.KeepOverFunctionReset(Aer + 0x04, sticky);
    }

    private static void DefineSerialNumber(PciConfigurationSpace space, NvmeOptions options)
    {
        ulong number = (ulong)UniqueIds.ForController(options.SerialNumber);
        space.Define32(SerialNumber, 0x0003 | 1 << 16 | Hints << 20);
        space.Define32(SerialNumber + 4, (uint)number);
        space.Define32(SerialNumber + 8, (uint)(number >> 32));
    }

    /// <summary>While nobody answers: the capabilities as they are, and a fatal status, which a driver recovers from by a reset.</summary>
    public static BridgeHints MakeHints(NvmeOptions options, ControllerCapabilities capabilities) => new()
    {
        WriteOnlyRegisters = [new WriteOnlyRegisters(0, DoorbellsOffset, (ushort)(2 * (options.IoQueuePairs + 1)), 4, 4)],
        MappableMemory = options.MemoryBufferBytes == 0 ? [] : [new MappableMemory(MemoryBuffer.Bar, 0, (uint)options.MemoryBufferBytes)],
        UnreachableAnswers =
        [
            new UnreachableAnswer(0, NvmeRegister.Capabilities, [(uint)capabilities.Value, (uint)(capabilities.Value >> 32), NvmeRegister.Version14]),
            new UnreachableAnswer(0, NvmeRegister.Status, [ControllerStatus.FatalBit]),
        ],
    };
}
