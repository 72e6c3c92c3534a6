using System.Buffers.Binary;

namespace PcieOe.Host.RootComplex;

/// <summary>
/// Where the structures of a function lie in its configuration space, read from an image of it. The image is the peer's: lists are walked
/// a bounded number of steps, and what lies outside its place counts as absent. 0 means absent everywhere.
/// </summary>
internal sealed class FunctionLayout
{
    private const int MaximumCapabilities = 48;
    private const int MaximumExtendedCapabilities = 960;
    private const int FirstCapability = 0x40;

    private FunctionLayout()
    {
    }

    public int PowerManagement { get; private set; }

    public int Pcie { get; private set; }

    public int Msix { get; private set; }

    public int AdvancedErrorReporting { get; private set; }

    /// <summary>Number of MSI-X vectors, 0 without MSI-X.</summary>
    public int MsixVectors { get; private set; }

    public int MsixTableBar { get; private set; }

    public uint MsixTableOffset { get; private set; }

    public static FunctionLayout Parse(ReadOnlySpan<byte> config)
    {
        FunctionLayout layout = new();
        if ((Read(config, ConfigRegister.CommandStatus) & ConfigRegister.StatusCapabilitiesList) != 0)
        {
            layout.WalkCapabilities(config);
        }

        if (layout.Pcie != 0)
        {
            layout.WalkExtendedCapabilities(config);
        }

        if (layout.Msix != 0)
        {
            uint table = Read(config, layout.Msix + ConfigRegister.MsixTable);
            layout.MsixVectors = (int)(Read(config, layout.Msix) >> 16 & ConfigRegister.MsixControlTableSizeMask) + 1;
            layout.MsixTableBar = (int)(table & 7);
            layout.MsixTableOffset = table & ~7u;
        }

        return layout;
    }

    public static uint Read(ReadOnlySpan<byte> config, int offset) => BinaryPrimitives.ReadUInt32LittleEndian(config[offset..]);

    private void WalkCapabilities(ReadOnlySpan<byte> config)
    {
        int offset = config[ConfigRegister.CapabilitiesPointer] & ~3;
        for (int step = 0; step < MaximumCapabilities && offset >= FirstCapability; step++)
        {
            switch (config[offset])
            {
                case ConfigRegister.CapabilityPowerManagement when offset <= ConfigRegister.ExtendedStart - 0x08:
                    PowerManagement = offset;
                    break;
                case ConfigRegister.CapabilityPcie when offset <= ConfigRegister.ExtendedStart - 0x3C:
                    Pcie = offset;
                    break;
                case ConfigRegister.CapabilityMsix when offset <= ConfigRegister.ExtendedStart - 0x0C:
                    Msix = offset;
                    break;
            }

            offset = config[offset + 1] & ~3;
        }
    }

    private void WalkExtendedCapabilities(ReadOnlySpan<byte> config)
    {
        int offset = ConfigRegister.ExtendedStart;
        for (int step = 0; step < MaximumExtendedCapabilities && offset >= ConfigRegister.ExtendedStart; step++)
        {
            uint header = Read(config, offset);
            if ((ushort)header == ConfigRegister.ExtendedAdvancedErrorReporting && offset <= ConfigRegister.SpaceBytes - 0x2C)
            {
                AdvancedErrorReporting = offset;
            }

            offset = (int)(header >> 20) & ~3;
        }
    }
}
