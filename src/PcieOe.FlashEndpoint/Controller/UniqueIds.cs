using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace PcieOe.FlashEndpoint.Controller;

/// <summary>Identifiers that stay the same over restarts, derived from the controller's serial number.</summary>
internal static class UniqueIds
{
    /// <summary>A random-looking UUID (version 8, RFC 9562) as a big-endian number.</summary>
    public static UInt128 ForNamespace(string serialNumber, uint namespaceId, uint generation)
    {
        UInt128 hash = Hash($"{serialNumber}/namespace/{namespaceId}/{generation}");
        hash &= ~((UInt128)0xF << 76 | (UInt128)3 << 62);
        return hash | (UInt128)8 << 76 | (UInt128)2 << 62;
    }

    public static UInt128 ForController(string serialNumber) => Hash($"{serialNumber}/controller");

    private static UInt128 Hash(string text)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.UTF8.GetBytes(text), hash);
        return BinaryPrimitives.ReadUInt128BigEndian(hash);
    }
}
