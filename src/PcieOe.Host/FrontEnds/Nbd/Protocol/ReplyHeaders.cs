using System.Buffers.Binary;

namespace PcieOe.Host.FrontEnds.Nbd.Protocol;

/// <summary>Writes the heads of replies; data of a READ follows on its own. Each gives the bytes written.</summary>
internal static class ReplyHeaders
{
    /// <summary>The longest of them.</summary>
    internal const int MaximumBytes = ChunkBytes + 16;

    internal const int SimpleBytes = 16;
    internal const int ChunkBytes = 20;

    /// <summary>The one namespace of block states that is offered, by this identifier.</summary>
    internal const uint BaseAllocationId = 1;

    internal static int WriteSimple(Span<byte> output, ulong cookie, NbdError error)
    {
        BinaryPrimitives.WriteUInt32BigEndian(output, NbdMagic.SimpleReply);
        BinaryPrimitives.WriteUInt32BigEndian(output[4..], (uint)error);
        BinaryPrimitives.WriteUInt64BigEndian(output[8..], cookie);
        return SimpleBytes;
    }

    /// <summary>Data of a READ that lies at <paramref name="offset"/> of the export.</summary>
    internal static int WriteData(Span<byte> output, ulong cookie, ulong offset, int dataBytes, ChunkFlags flags)
    {
        WriteChunk(output, ChunkType.OffsetData, flags, cookie, sizeof(ulong) + dataBytes);
        BinaryPrimitives.WriteUInt64BigEndian(output[ChunkBytes..], offset);
        return ChunkBytes + sizeof(ulong);
    }

    /// <summary>An error of a whole request, without a text.</summary>
    internal static int WriteError(Span<byte> output, ulong cookie, NbdError error, ChunkFlags flags)
    {
        WriteChunk(output, ChunkType.Error, flags, cookie, 6);
        WriteErrorValue(output[ChunkBytes..], error);
        return ChunkBytes + 6;
    }

    /// <summary>An error of the data at <paramref name="offset"/>, without a text.</summary>
    internal static int WriteErrorOffset(Span<byte> output, ulong cookie, NbdError error, ulong offset, ChunkFlags flags)
    {
        WriteChunk(output, ChunkType.ErrorOffset, flags, cookie, 14);
        WriteErrorValue(output[ChunkBytes..], error);
        BinaryPrimitives.WriteUInt64BigEndian(output[(ChunkBytes + 6)..], offset);
        return ChunkBytes + 14;
    }

    /// <summary>One extent of base:allocation, whose state 0 says that it is allocated data.</summary>
    internal static int WriteAllocated(Span<byte> output, ulong cookie, uint lengthBytes)
    {
        WriteChunk(output, ChunkType.BlockStatus, ChunkFlags.Done, cookie, 12);
        BinaryPrimitives.WriteUInt32BigEndian(output[ChunkBytes..], BaseAllocationId);
        BinaryPrimitives.WriteUInt32BigEndian(output[(ChunkBytes + 4)..], lengthBytes);
        BinaryPrimitives.WriteUInt32BigEndian(output[(ChunkBytes + 8)..], 0);
        return ChunkBytes + 12;
    }

    private static void WriteErrorValue(Span<byte> output, NbdError error)
    {
        BinaryPrimitives.WriteUInt32BigEndian(output, (uint)error);
        BinaryPrimitives.WriteUInt16BigEndian(output[4..], 0);
    }

    private static void WriteChunk(Span<byte> output, ChunkType type, ChunkFlags flags, ulong cookie, int contentBytes)
    {
        BinaryPrimitives.WriteUInt32BigEndian(output, NbdMagic.StructuredReply);
        BinaryPrimitives.WriteUInt16BigEndian(output[4..], (ushort)flags);
        BinaryPrimitives.WriteUInt16BigEndian(output[6..], (ushort)type);
        BinaryPrimitives.WriteUInt64BigEndian(output[8..], cookie);
        BinaryPrimitives.WriteUInt32BigEndian(output[16..], (uint)contentBytes);
    }
}
