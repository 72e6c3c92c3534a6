using PcieOe.Protocol.Functions;

namespace PcieOe.FlashEndpoint.Dma;

/// <summary>What a token or a DMA read belongs to.</summary>
internal enum TransactionKind : byte
{
    /// <summary>A command: index is its slot, generation the slot's.</summary>
    Command = 1,

    /// <summary>An interrupt alone: index is its vector, generation the controller's.</summary>
    Interrupt = 2,

    /// <summary>Submission entries: index is the queue, part the fetch, generation the controller's.</summary>
    EntryFetch = 3,

    /// <summary>A PRP list or SGL segment of a command.</summary>
    List = 4,

    /// <summary>Write data of a command: part is the segment.</summary>
    Data = 5,
}

/// <summary>
/// How this function encodes tokens and read identifiers: kind 63:60, generation 59:32, index 31:16, part 15:0.
/// Generations wrap at 28 bits: a name would have to stay in use over 2^28 resets or commands of one slot to be mistaken.
/// </summary>
internal readonly record struct TransactionName(ulong Value)
{
    public const uint GenerationMask = 0x0FFF_FFFF;

    public TransactionName(TransactionKind kind, uint generation, int index, int part = 0)
        : this((ulong)kind << 60 | (ulong)(generation & GenerationMask) << 32 | (uint)index << 16 | (ushort)part)
    {
    }

    public TransactionKind Kind => (TransactionKind)(Value >> 60);

    public uint Generation => (uint)(Value >> 32) & GenerationMask;

    public int Index => (ushort)(Value >> 16);

    public int Part => (ushort)Value;

    public TransactionToken Token => new(Value);

    public DmaReadId ReadId => new(Value);
}
