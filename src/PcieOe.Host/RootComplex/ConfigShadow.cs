using System.Buffers.Binary;

namespace PcieOe.Host.RootComplex;

/// <summary>Where a client's write to configuration space goes.</summary>
internal enum ConfigWriteRoute : byte
{
    /// <summary>The shadow alone.</summary>
    Shadow,

    /// <summary>The function too; the shadow knows already what it will read.</summary>
    Function,

    /// <summary>The function, which must then be read to know what became of it.</summary>
    FunctionThenRead,

    /// <summary>A function level reset was asked for.</summary>
    Reset,
}

/// <summary>
/// Configuration space as the client sees it. BARs, device control, link control and MSI-X control are the client's own idea and
/// stay here; the command register and power management are kept here and passed on; all else is the function's.
/// </summary>
internal sealed class ConfigShadow
{
    private const uint PowerManagementWritable = 0x0103;
    private const uint PowerManagementStatus = 0x8000;
    private const uint DeviceControlWritable = 0x7FFF;
    private const uint InterruptLineMask = 0xFF;

    private readonly byte[] _bytes = new byte[ConfigRegister.SpaceBytes];
    private readonly byte[] _pristine = new byte[ConfigRegister.SpaceBytes];

    public FunctionLayout Layout { get; private set; } = FunctionLayout.Parse(new byte[ConfigRegister.SpaceBytes]);

    public BusAddressMap Bars { get; } = new();

    public uint Read(int offset) => FunctionLayout.Read(_bytes, offset);

    /// <summary>What the function read when it was first seen, before anything was written.</summary>
    public uint ReadPristine(int offset) => FunctionLayout.Read(_pristine, offset);

    public uint Command => Read(ConfigRegister.CommandStatus) & ConfigRegister.CommandWritable;

    /// <summary>Takes the function's own configuration space as it stands after a reset.</summary>
    public void Load(ReadOnlySpan<byte> config)
    {
        config.CopyTo(_pristine);
        Layout = FunctionLayout.Parse(config);
        Reset();
    }

    /// <summary>Everything as after a reset. BARs read as 0 with their flags.</summary>
    public void Reset()
    {
        _pristine.CopyTo(_bytes, 0);
        Write(ConfigRegister.CommandStatus, Read(ConfigRegister.CommandStatus) & ~ConfigRegister.CommandWritable);
        for (int bar = 0; bar < ConfigRegister.BarCount; bar++)
        {
            Write(ConfigRegister.FirstBar + bar * 4, Bars.Flags(bar));
        }

        Write(ConfigRegister.ExpansionRom, 0);
    }

    /// <summary>True if the function that reads <paramref name="config"/> is the one this shadow was loaded from, whatever its state.</summary>
    public bool IsSameFunction(ReadOnlySpan<byte> config)
    {
        FunctionLayout other = FunctionLayout.Parse(config);
        return Same(config, ConfigRegister.Identifiers)
            && Same(config, ConfigRegister.ClassRevision)
            && Same(config, ConfigRegister.SubsystemIdentifiers)
            && other.Pcie == Layout.Pcie
            && other.Msix == Layout.Msix
            && other.MsixVectors == Layout.MsixVectors
            && other.MsixTableBar == Layout.MsixTableBar
            && other.MsixTableOffset == Layout.MsixTableOffset;
    }

    /// <summary>Takes what the function reads at an offset whose writes go to it.</summary>
    public void Refresh(int offset, uint value)
    {
        if (Owner(offset) == ConfigWriteRoute.FunctionThenRead)
        {
            Write(offset, value);
        }
        else if (Layout.Pcie != 0 && offset == Layout.Pcie + ConfigRegister.PcieDeviceControl)
        {
            // The upper half is the device's status, the lower the client's idea of device control.
            Write(offset, value & 0xFFFF_0000 | Read(offset) & 0xFFFF);
        }
    }

    /// <summary>Applies a client's write, and says where else it must go.</summary>
    public ConfigWriteRoute Apply(int offset, uint value, byte byteEnables)
    {
        uint enabled = Mask(byteEnables);
        uint old = Read(offset);
        uint merged = old & ~enabled | value & enabled;
        if (offset >= ConfigRegister.FirstBar && offset < ConfigRegister.FirstBar + ConfigRegister.BarCount * 4)
        {
            Write(offset, Bars.Writable((offset - ConfigRegister.FirstBar) / 4, merged));
            return ConfigWriteRoute.Shadow;
        }

        if (Layout.Pcie != 0 && offset == Layout.Pcie + ConfigRegister.PcieDeviceControl)
        {
            if ((value & enabled & ConfigRegister.DeviceControlInitiateReset) != 0)
            {
                return ConfigWriteRoute.Reset;
            }

            WriteMasked(offset, merged, DeviceControlWritable);
            return (enabled & 0xFFFF_0000) != 0 ? ConfigWriteRoute.FunctionThenRead : ConfigWriteRoute.Shadow;
        }

        ConfigWriteRoute owner = Owner(offset);
        switch (owner)
        {
            case ConfigWriteRoute.Shadow:
                WriteMasked(offset, merged, ShadowWritable(offset));
                break;
            case ConfigWriteRoute.Function when offset == ConfigRegister.CommandStatus:
                // The status half is cleared by writing ones.
                Write(offset, (old & ~ConfigRegister.CommandWritable | merged & ConfigRegister.CommandWritable) & ~(value & enabled & 0xF900_0000));
                break;
            case ConfigWriteRoute.Function:
                Write(offset, (old & ~PowerManagementWritable | merged & PowerManagementWritable) & ~(value & enabled & PowerManagementStatus));
                break;
        }

        return owner;
    }

    /// <summary>The bits that the byte enables cover.</summary>
    public static uint Mask(byte byteEnables) =>
        ((byteEnables & 1) != 0 ? 0xFFu : 0) | ((byteEnables & 2) != 0 ? 0xFF00u : 0)
        | ((byteEnables & 4) != 0 ? 0xFF_0000u : 0) | ((byteEnables & 8) != 0 ? 0xFF00_0000u : 0);

    private ConfigWriteRoute Owner(int offset)
    {
        if (offset == ConfigRegister.CommandStatus || (Layout.PowerManagement != 0 && offset == Layout.PowerManagement + ConfigRegister.PowerManagementControl))
        {
            return ConfigWriteRoute.Function;
        }

        bool isHeader = offset < 0x40;
        bool isMsix = Layout.Msix != 0 && offset >= Layout.Msix && offset < Layout.Msix + 0x0C;
        bool isPcie = Layout.Pcie != 0 && offset >= Layout.Pcie && offset < Layout.Pcie + 0x3C;
        return isHeader || isMsix || isPcie ? ConfigWriteRoute.Shadow : ConfigWriteRoute.FunctionThenRead;
    }

    private uint ShadowWritable(int offset)
    {
        if (offset == ConfigRegister.InterruptLine || offset == ConfigRegister.HeaderType)
        {
            // Interrupt line; cache line size.
            return InterruptLineMask;
        }

        if (Layout.Msix != 0 && offset == Layout.Msix)
        {
            return ConfigRegister.MsixControlEnable | ConfigRegister.MsixControlFunctionMask;
        }

        if (Layout.Pcie != 0 && (offset - Layout.Pcie) is ConfigRegister.PcieLinkControl or ConfigRegister.PcieDeviceControl2 or ConfigRegister.PcieLinkControl2)
        {
            return 0xFFFF;
        }

        return 0;
    }

    private bool Same(ReadOnlySpan<byte> config, int offset) => FunctionLayout.Read(config, offset) == ReadPristine(offset);

    private void WriteMasked(int offset, uint value, uint mask) => Write(offset, Read(offset) & ~mask | value & mask);

    private void Write(int offset, uint value) => BinaryPrimitives.WriteUInt32LittleEndian(_bytes.AsSpan(offset), value);
}
