using System.Numerics;
using PcieOe.Protocol.Functions;
using PcieOe.Protocol.Tlp;

namespace PcieOe.Host.RootComplex;

/// <summary>
/// The configuration writes that make a function usable, in their order: BARs, payload size and tags (PCIe base spec. 7.5.3), MSI-X, and
/// last the command register.
/// </summary>
internal sealed class SetupWrites(ConfigShadow shadow, MsixTable msix, bool hidesFunctionMemory)
{
    private const uint LargestReadRequestCode = 5;
    private const int LargestPayloadCode = 5;
    private const int Capacity = 24;

    private readonly (int Offset, uint Value)[] _writes = new (int, uint)[Capacity];

    public int Count { get; private set; }

    /// <summary>MPS as negotiated, bytes.</summary>
    public int MaximumPayloadBytes { get; private set; } = TlpLimits.SmallestMaximumPayloadBytes;

    public (int Offset, uint Value) this[int index] => _writes[index];

    /// <param name="space">The configuration space as it was read last.</param>
    /// <param name="maximumTlpBytes">What the lane takes.</param>
    /// <param name="isReplay">The client knows the function: what it has set is set again.</param>
    public void Prepare(ReadOnlySpan<byte> space, int maximumTlpBytes, bool isReplay)
    {
        Count = 0;
        FunctionLayout layout = shadow.Layout;
        for (int bar = 0; bar < ConfigRegister.BarCount; bar++)
        {
            Add(ConfigRegister.FirstBar + bar * 4, shadow.Bars.RegisterValue(bar));
        }

        MaximumPayloadBytes = TlpLimits.LargestPayloadBytes(maximumTlpBytes);
        if (layout.Pcie != 0)
        {
            AddDeviceControl(layout.Pcie);
        }

        if (isReplay && layout.AdvancedErrorReporting != 0)
        {
            Replay(layout.AdvancedErrorReporting + ConfigRegister.AerUncorrectableMask);
            Replay(layout.AdvancedErrorReporting + ConfigRegister.AerUncorrectableSeverity);
            Replay(layout.AdvancedErrorReporting + ConfigRegister.AerCorrectableMask);
        }

        if (hidesFunctionMemory && BridgeHints.TryFind(space, out BridgeHints? hints) && hints.MemorySwitchOffset != 0)
        {
            Add(hints.MemorySwitchOffset, 0);
        }

        if (msix.Vectors != 0)
        {
            Add(layout.Msix + ConfigRegister.MsixControl, ConfigRegister.MsixControlEnable);
        }

        Add(ConfigRegister.CommandStatus, shadow.Command | ConfigRegister.CommandMemorySpace);
    }

    private void AddDeviceControl(int pcie)
    {
        uint capabilities = shadow.ReadPristine(pcie + ConfigRegister.PcieDeviceCapabilities);
        int supportedCode = (int)Math.Min(capabilities & ConfigRegister.DeviceCapabilitiesPayloadMask, LargestPayloadCode);
        MaximumPayloadBytes = Math.Min(MaximumPayloadBytes, TlpLimits.SmallestMaximumPayloadBytes << supportedCode);
        uint payloadCode = (uint)BitOperations.Log2((uint)(MaximumPayloadBytes / TlpLimits.SmallestMaximumPayloadBytes));
        bool hasExtendedTags = (capabilities & ConfigRegister.DeviceCapabilitiesExtendedTag) != 0;
        Add(pcie + ConfigRegister.PcieDeviceControl, ConfigRegister.DeviceControlRelaxedOrdering
            | payloadCode << ConfigRegister.DeviceControlPayloadShift
            | (hasExtendedTags ? ConfigRegister.DeviceControlExtendedTag : 0)
            | LargestReadRequestCode << ConfigRegister.DeviceControlReadRequestShift);
        uint capabilities2 = shadow.ReadPristine(pcie + ConfigRegister.PcieDeviceCapabilities2);
        bool hasTenBitTags = (capabilities2 & ConfigRegister.DeviceCapabilities2TenBitTagRequester) != 0;
        Add(pcie + ConfigRegister.PcieDeviceControl2, hasTenBitTags ? ConfigRegister.DeviceControl2TenBitTagRequester : 0);
    }

    private void Add(int offset, uint value) => _writes[Count++] = (offset, value);

    private void Replay(int offset) => Add(offset, shadow.Read(offset));
}
