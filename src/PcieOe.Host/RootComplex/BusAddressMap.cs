namespace PcieOe.Host.RootComplex;

/// <summary>
/// The memory BARs of a function: sizes found by writing all ones, and the places they get in the bus address space that the root complex
/// makes for it (PCIe base spec. 7.5.1.2.1). Addresses below 4 GiB are given first, since requests there have the short header.
/// </summary>
internal sealed class BusAddressMap
{
    private const ulong LowStart = 0x8000_0000;
    private const ulong LowEnd = 0xFEC0_0000;
    private const ulong HighStart = 0x10_0000_0000;
    private const ulong MaximumBarBytes = 1UL << 46;

    private readonly BarDescription[] _bars = new BarDescription[ConfigRegister.BarCount];
    private readonly ulong[] _addresses = new ulong[ConfigRegister.BarCount];
    private readonly uint[] _flags = new uint[ConfigRegister.BarCount];

    public BarDescription this[int bar] => (uint)bar < ConfigRegister.BarCount ? _bars[bar] : default;

    public ulong Address(int bar) => _addresses[bar];

    /// <summary>What the register holds in its read-only low bits.</summary>
    public uint Flags(int bar) => _flags[bar];

    /// <summary>The value to write to BAR register <paramref name="bar"/>; an upper half is a register of its own.</summary>
    public uint RegisterValue(int bar) => IsUpperHalf(bar) ? (uint)(_addresses[bar - 1] >> 32) : (uint)_addresses[bar] | _flags[bar];

    /// <summary>What a client's write of <paramref name="value"/> leaves in BAR register <paramref name="bar"/> of the shadow.</summary>
    public uint Writable(int bar, uint value)
    {
        if (IsUpperHalf(bar))
        {
            return value & (uint)(~(_bars[bar - 1].Size - 1) >> 32);
        }

        return _bars[bar].Exists ? value & (uint)~(_bars[bar].Size - 1) & ~ConfigRegister.BarFlagsMask | _flags[bar] : 0;
    }

    /// <summary>Takes what the six registers read after all ones were written, and gives each BAR its place.</summary>
    /// <returns>False: the BARs claim what cannot be, or do not fit.</returns>
    public bool TryAssign(ReadOnlySpan<uint> sizing)
    {
        Array.Clear(_bars);
        Array.Clear(_addresses);
        Array.Clear(_flags);
        for (int bar = 0; bar < ConfigRegister.BarCount; bar++)
        {
            uint value = sizing[bar];
            if (value == 0 || (value & ConfigRegister.BarIsIo) != 0)
            {
                continue;
            }

            bool is64 = (value & ConfigRegister.BarTypeMask) == ConfigRegister.BarType64;
            if (is64 && bar == ConfigRegister.BarCount - 1)
            {
                return false;
            }

            ulong mask = (value & ~ConfigRegister.BarFlagsMask) | (is64 ? (ulong)sizing[bar + 1] << 32 : 0xFFFF_FFFF_0000_0000);
            ulong size = ~mask + 1;
            if (!System.Numerics.BitOperations.IsPow2(size) || size > MaximumBarBytes)
            {
                return false;
            }

            _flags[bar] = value & ConfigRegister.BarFlagsMask;
            _bars[bar] = new BarDescription(size, is64, (value & ConfigRegister.BarPrefetchable) != 0);
            bar += is64 ? 1 : 0;
        }

        return TryPlace();
    }

    /// <summary>Largest first, so that natural alignment leaves no gaps.</summary>
    private bool TryPlace()
    {
        ulong low = LowStart;
        ulong high = HighStart;
        for (ulong size = MaximumBarBytes; size >= 16; size >>= 1)
        {
            for (int bar = 0; bar < ConfigRegister.BarCount; bar++)
            {
                if (_bars[bar].Size != size)
                {
                    continue;
                }

                ulong inLow = Align(low, size);
                if (inLow < LowEnd && size <= LowEnd - inLow)
                {
                    _addresses[bar] = inLow;
                    low = inLow + size;
                }
                else if (_bars[bar].Is64Bit)
                {
                    _addresses[bar] = Align(high, size);
                    high = _addresses[bar] + size;
                }
                else
                {
                    return false;
                }
            }
        }

        return true;
    }

    private bool IsUpperHalf(int bar) => bar > 0 && _bars[bar - 1].Is64Bit;

    private static ulong Align(ulong address, ulong size) => (address + size - 1) & ~(size - 1);
}
