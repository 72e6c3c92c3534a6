using System.Globalization;

namespace PcieOe.Protocol.Tlp;

/// <summary>Bus, device and function number: who requests, who completes, who is asked (PCIe base spec. 2.2.4.2).</summary>
public readonly record struct RoutingId(ushort Value)
{
    public RoutingId(byte bus, int device, int function)
        : this((ushort)(bus << 8 | (device & 0x1F) << 3 | function & 0x7))
    {
    }

    public byte Bus => (byte)(Value >> 8);

    public int Device => Value >> 3 & 0x1F;

    public int Function => Value & 0x7;

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Bus:x2}:{Device:x2}.{Function}");
}
