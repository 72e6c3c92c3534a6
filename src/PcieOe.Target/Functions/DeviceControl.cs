using PcieOe.Protocol.Functions;

namespace PcieOe.Target.Functions;

/// <summary>
/// What the bridge must know of a function's PCI Express capability (PCIe base spec. 7.5.3): MPS, MRRS, and the bit that resets the
/// function. A function without one gets the largest sizes.
/// </summary>
internal sealed class DeviceControl
{
    private const int CapabilitiesPointer = 0x34;
    private const int FirstCapability = 0x40;
    private const int EndOfCapabilities = 0x100;
    private const byte PciExpressCapability = 0x10;
    private const int DeviceControlOffset = 0x08;
    private const int InitiateResetBit = 1 << 15;
    private const int LargestSizeCode = 5;

    private int _offset;

    public int MaximumPayloadBytes { get; private set; } = 4096;

    public int MaximumReadRequestBytes { get; private set; } = 4096;

    /// <summary>Finds the register in the function's configuration space.</summary>
    public void Locate(IPcieFunction function)
    {
        _offset = 0;
        int at = (int)(function.ReadConfig(CapabilitiesPointer) & 0xFC);

        // A list that leads nowhere, or in a circle, ends after as many steps as there are doublewords.
        for (int steps = (EndOfCapabilities - FirstCapability) / 4; steps > 0 && at >= FirstCapability; steps--)
        {
            uint header = function.ReadConfig(at);
            if ((byte)header == PciExpressCapability && at + DeviceControlOffset < EndOfCapabilities)
            {
                _offset = at + DeviceControlOffset;
                break;
            }

            at = (int)(header >> 8 & 0xFC);
        }

        Refresh(function);
    }

    /// <summary>To be called after each configuration write. True if it asked for a function level reset.</summary>
    public bool OnConfigWritten(IPcieFunction function, int offset, uint value, byte byteEnables)
    {
        if (_offset == 0 || offset != _offset)
        {
            return false;
        }

        Refresh(function);
        return (byteEnables & 2) != 0 && (value & InitiateResetBit) != 0;
    }

    private void Refresh(IPcieFunction function)
    {
        uint control = _offset == 0 ? LargestSizeCode << 5 | LargestSizeCode << 12 : function.ReadConfig(_offset);
        MaximumPayloadBytes = 128 << Math.Min((int)(control >> 5 & 7), LargestSizeCode);
        MaximumReadRequestBytes = 128 << Math.Min((int)(control >> 12 & 7), LargestSizeCode);
    }
}
