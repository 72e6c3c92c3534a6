namespace PcieOe.FlashEndpoint.Controller;

/// <summary>A namespace: a contiguous range of the medium, cut into blocks.</summary>
internal sealed class Namespace(uint id, long offsetBytes, long sizeBytes, int blockShift, uint generation, UInt128 uniqueId)
{
    public uint Id { get; } = id;

    /// <summary>From the start of the medium.</summary>
    public long OffsetBytes { get; } = offsetBytes;

    public long SizeBytes { get; } = sizeBytes;

    /// <summary>Blocks have 2 ^ this bytes: 9 or 12.</summary>
    public int BlockShift { get; set; } = blockShift;

    public bool IsAttached { get; set; } = true;

    /// <summary>A format is under way: content must neither be read nor written.</summary>
    public bool IsFormatting { get; set; }

    /// <summary>Created, but what its range held before is not wiped yet.</summary>
    public bool IsNew { get; set; }

    /// <summary>Which of all namespaces ever created it is: its unique id depends on it.</summary>
    public uint Generation { get; } = generation;

    /// <summary>NGUID and UUID.</summary>
    public UInt128 UniqueId { get; } = uniqueId;

    public ulong SizeBlocks => (ulong)SizeBytes >> BlockShift;
}
