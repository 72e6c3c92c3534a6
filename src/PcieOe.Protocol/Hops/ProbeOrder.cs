using System.Buffers.Binary;
using PcieOe.Protocol.Tlp;

namespace PcieOe.Protocol.Hops;

/// <summary>What a <see cref="ProbeOrder"/> asks for.</summary>
public enum ProbeKind : byte
{
    DmaRead = 1,
    DmaWrite = 2,
}

/// <summary>
/// Host to target: move so many bytes between the host's memory and nowhere by a single memory request, and say when
/// (docs/wire-format.md, "Probes"). A vendor-defined message of type 1, the probe's name in its last doubleword, 4 doublewords of data,
/// big-endian.
/// <code>
///  0  kind (8), zeros (24)      4  bytes (32)      8  bus address (64)
/// </code>
/// </summary>
public readonly record struct ProbeOrder
{
    public const int PayloadBytes = 16;
    public const int WrittenLength = MessageHeader.WrittenLength + PayloadBytes;

    /// <summary>Comes back in the answer.</summary>
    public uint Name { get; init; }

    /// <summary>A kind that the receiver does not know survives as such.</summary>
    public ProbeKind Kind { get; init; }

    /// <summary>1 to 4096, within 4 KiB.</summary>
    public uint Bytes { get; init; }

    public ulong Address { get; init; }

    public void Write(Span<byte> destination, RoutingId requester)
    {
        MessageHeader.VendorDefined(MessageRouting.Local, requester, default, HopMark.VendorId, Name, PayloadBytes / 4).Write(destination);
        Span<byte> data = destination.Slice(MessageHeader.WrittenLength, PayloadBytes);
        BinaryPrimitives.WriteUInt32BigEndian(data, (uint)Kind << 24);
        BinaryPrimitives.WriteUInt32BigEndian(data[4..], Bytes);
        BinaryPrimitives.WriteUInt64BigEndian(data[8..], Address);
    }

    /// <summary>False: another message.</summary>
    public static bool TryParse(in TlpView message, out ProbeOrder order)
    {
        ReadOnlySpan<byte> data = message.Payload;
        if (!HopMark.IsOurs(message, PayloadBytes))
        {
            order = default;
            return false;
        }

        order = new ProbeOrder
        {
            Name = message.MessageDoubleword3,
            Kind = (ProbeKind)data[0],
            Bytes = BinaryPrimitives.ReadUInt32BigEndian(data[4..]),
            Address = BinaryPrimitives.ReadUInt64BigEndian(data[8..]),
        };
        return true;
    }
}
