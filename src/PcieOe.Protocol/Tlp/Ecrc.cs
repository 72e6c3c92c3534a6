using System.Buffers.Binary;

namespace PcieOe.Protocol.Tlp;

/// <summary>
/// The end-to-end CRC of a TLP (PCIe base spec. 2.7.1): polynomial 04C11DB7h, seed and result inverted, low bit of each byte first, over
/// the end-to-end prefixes, header and data, with the bits that may change on the way (bit 0 of Type, EP) taken as 1.
/// </summary>
public static class Ecrc
{
    private const byte TypeVariantBit = 0x01;
    private const byte PoisonedVariantBit = 0x40;

    /// <summary>The polynomial with its bits in the order of transmission.</summary>
    private const uint ReflectedPolynomial = 0xEDB88320;

    private static readonly uint[] Table = MakeTable();

    /// <summary>The digest of a TLP, as the big-endian doubleword that stands after its data.</summary>
    /// <param name="tlp">Header and data, at least 4 bytes, without prefixes and digest; TD is set already.</param>
    /// <param name="endToEndPrefixes">The end-to-end prefixes, if there are any.</param>
    public static uint Compute(ReadOnlySpan<byte> tlp, ReadOnlySpan<byte> endToEndPrefixes = default)
    {
        uint crc = Update(uint.MaxValue, endToEndPrefixes);
        crc = Step(crc, (byte)(tlp[0] | TypeVariantBit));
        crc = Step(crc, tlp[1]);
        crc = Step(crc, (byte)(tlp[2] | PoisonedVariantBit));
        crc = ~Update(crc, tlp[3..]);

        // The register's first bit goes to bit 0 of the digest's first byte.
        return BinaryPrimitives.ReverseEndianness(crc);
    }

    /// <summary>Fills the last four bytes of a TLP that has no prefixes: header (TD set), data, digest.</summary>
    public static void Write(Span<byte> tlp) =>
        BinaryPrimitives.WriteUInt32BigEndian(tlp[^TlpLimits.DigestBytes..], Compute(tlp[..^TlpLimits.DigestBytes]));

    private static uint Update(uint crc, ReadOnlySpan<byte> bytes)
    {
        foreach (byte value in bytes)
        {
            crc = Step(crc, value);
        }

        return crc;
    }

    private static uint Step(uint crc, byte value) => Table[(byte)(crc ^ value)] ^ crc >> 8;

    private static uint[] MakeTable()
    {
        uint[] table = new uint[256];
        for (uint index = 0; index < table.Length; index++)
        {
            uint crc = index;
            for (int bit = 0; bit < 8; bit++)
            {
                crc = (crc & 1) != 0 ? crc >> 1 ^ ReflectedPolynomial : crc >> 1;
            }

            table[index] = crc;
        }

        return table;
    }
}
