namespace PcieOe.Protocol.Tlp;

/// <summary>Traffic class and attributes: what a completion copies from its request (PCIe base spec. 2.2.6.3 to 2.2.6.6).</summary>
public readonly record struct TlpAttributes
{
    private const int TrafficClassShift = 20;
    private const uint TrafficClassMask = 7u << TrafficClassShift;
    private const uint IdBasedOrderingBit = 1u << 18;
    private const uint RelaxedOrderingBit = 1u << 13;
    private const uint NoSnoopBit = 1u << 12;
    private const uint Mask = TrafficClassMask | IdBasedOrderingBit | RelaxedOrderingBit | NoSnoopBit;

    private readonly uint _bits;

    private TlpAttributes(uint bits) => _bits = bits;

    /// <summary>TC, 0 to 7.</summary>
    public byte TrafficClass
    {
        get => (byte)((_bits & TrafficClassMask) >> TrafficClassShift);
        init => _bits = _bits & ~TrafficClassMask | (uint)(value & 7) << TrafficClassShift;
    }

    public bool IdBasedOrdering
    {
        get => (_bits & IdBasedOrderingBit) != 0;
        init => _bits = value ? _bits | IdBasedOrderingBit : _bits & ~IdBasedOrderingBit;
    }

    public bool RelaxedOrdering
    {
        get => (_bits & RelaxedOrderingBit) != 0;
        init => _bits = value ? _bits | RelaxedOrderingBit : _bits & ~RelaxedOrderingBit;
    }

    public bool NoSnoop
    {
        get => (_bits & NoSnoopBit) != 0;
        init => _bits = value ? _bits | NoSnoopBit : _bits & ~NoSnoopBit;
    }

    internal uint Bits => _bits;

    internal static TlpAttributes FromDoubleword0(uint doubleword0) => new(doubleword0 & Mask);
}
