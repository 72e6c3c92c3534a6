using System.Buffers.Binary;
using System.Globalization;

namespace PcieOe.Protocol.Ethernet;

/// <summary>A 48-bit Ethernet address (IEEE 802-2014, 8.2). Its value holds the first octet on the wire in bits 47:40.</summary>
public readonly record struct MacAddress(ulong Value)
{
    public const int Length = 6;

    public static MacAddress Broadcast => new(0xFFFF_FFFF_FFFF);

    /// <summary>The group bit of the first octet: multicast, broadcast included.</summary>
    public bool IsMulticast => (Value & 0x0100_0000_0000) != 0;

    /// <summary>Reads the six octets at the start of <paramref name="source"/>.</summary>
    public static MacAddress Read(ReadOnlySpan<byte> source) =>
        new((ulong)BinaryPrimitives.ReadUInt16BigEndian(source) << 32 | BinaryPrimitives.ReadUInt32BigEndian(source[2..]));

    /// <summary>Writes the six octets to the start of <paramref name="destination"/>.</summary>
    public void Write(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt16BigEndian(destination, (ushort)(Value >> 32));
        BinaryPrimitives.WriteUInt32BigEndian(destination[2..], (uint)Value);
    }

    /// <summary>Parses six hexadecimal octets joined by colons or hyphens.</summary>
    public static bool TryParse(string? text, out MacAddress address)
    {
        address = default;
        string[] parts = (text ?? string.Empty).Split(':', '-');
        if (parts.Length != Length)
        {
            return false;
        }

        ulong value = 0;
        foreach (string part in parts)
        {
            if (part.Length != 2 || !byte.TryParse(part, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out byte octet))
            {
                return false;
            }

            value = value << 8 | octet;
        }

        address = new MacAddress(value);
        return true;
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture,
        $"{(byte)(Value >> 40):x2}:{(byte)(Value >> 32):x2}:{(byte)(Value >> 24):x2}:{(byte)(Value >> 16):x2}:{(byte)(Value >> 8):x2}:{(byte)Value:x2}");
}
