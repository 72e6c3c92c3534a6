using System.Buffers.Binary;

namespace PcieOe.Protocol.Tlp;

/// <summary>What a memory request asks for; the value is its type byte with the 3-DW header.</summary>
public enum MemoryOperation : byte
{
    Read = TlpType.MemoryRead32,
    ReadLocked = TlpType.MemoryReadLocked32,
    Write = TlpType.MemoryWrite32,
    DeferrableWrite = TlpType.DeferrableMemoryWrite32,
    FetchAdd = TlpType.FetchAdd32,
    Swap = TlpType.Swap32,
    CompareAndSwap = TlpType.CompareAndSwap32,
}

/// <summary>
/// The header of a memory request (PCIe base spec. 2.2.7): 12 bytes below 4 GiB, 16 from there on. Data, if the operation has any,
/// follows behind it. Tags have ten bits; fields are cut to their width.
/// </summary>
public readonly struct MemoryRequestHeader
{
    public required MemoryOperation Operation { get; init; }

    /// <summary>Byte address; its bits 1:0 are left out (the byte enables carry them).</summary>
    public required ulong Address { get; init; }

    /// <summary>1 to 1024.</summary>
    public required int LengthDoublewords { get; init; }

    public required RoutingId RequesterId { get; init; }

    public ushort Tag { get; init; }

    /// <summary>Atomic operations have none.</summary>
    public ByteEnables ByteEnables { get; init; }

    public TlpAttributes Attributes { get; init; }

    public AddressType AddressType { get; init; }

    public bool HasProcessingHints { get; init; }

    public byte ProcessingHint { get; init; }

    public bool IsPoisoned { get; init; }

    public bool HasDigest { get; init; }

    public TlpType Type => (TlpType)((uint)Operation | (Address >= TlpLimits.FirstLongAddress ? 0x20u : 0));

    public int WrittenLength => TlpLimits.MemoryHeaderBytes(Address);

    /// <summary>A read of <paramref name="length"/> bytes (0: a zero-length read) within 4 KiB.</summary>
    public static MemoryRequestHeader Read(ulong address, int length, RoutingId requester, ushort tag) => new()
    {
        Operation = MemoryOperation.Read,
        Address = address,
        LengthDoublewords = ByteEnables.Doublewords(address, length),
        RequesterId = requester,
        Tag = tag,
        ByteEnables = ByteEnables.FromRange(address, length),
    };

    /// <summary>A write of <paramref name="length"/> bytes within 4 KiB; its data is padded to doublewords at both ends.</summary>
    public static MemoryRequestHeader Write(ulong address, int length, RoutingId requester) => new()
    {
        Operation = MemoryOperation.Write,
        Address = address,
        LengthDoublewords = ByteEnables.Doublewords(address, length),
        RequesterId = requester,
        ByteEnables = ByteEnables.FromRange(address, length),
    };

    public void Write(Span<byte> destination)
    {
        uint doubleword0 = TlpFields.Doubleword0(Type, LengthDoublewords, Attributes, IsPoisoned, HasDigest)
            | TlpFields.HighTagBits(Tag)
            | ((uint)AddressType & 3) << TlpFields.AddressTypeShift
            | (HasProcessingHints ? TlpFields.ProcessingHintsBit : 0);
        uint doubleword1 = TlpFields.RequestDoubleword1(RequesterId, Tag, ByteEnables);
        uint low = (uint)Address & ~3u | (HasProcessingHints ? ProcessingHint & 3u : 0);
        if (Address >= TlpLimits.FirstLongAddress)
        {
            BinaryPrimitives.WriteUInt32BigEndian(destination[12..], low);
            TlpFields.Write(destination, doubleword0, doubleword1, (uint)(Address >> 32));
        }
        else
        {
            TlpFields.Write(destination, doubleword0, doubleword1, low);
        }
    }
}
