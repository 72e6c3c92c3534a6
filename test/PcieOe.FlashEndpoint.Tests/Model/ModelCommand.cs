using PcieOe.Protocol.Nvme;

namespace PcieOe.FlashEndpoint.Tests.Model;

/// <summary>A command under way, with the memory that is its own.</summary>
internal sealed class ModelCommand(int slot)
{
    public int Slot { get; } = slot;

    public bool IsUnderWay { get; set; }

    public NvmOpcode Opcode { get; set; }

    public int Queue { get; set; }

    public ushort CommandId { get; set; }

    public ReferenceBlocks Blocks { get; set; } = null!;

    public int First { get; set; }

    public int Count { get; set; }

    public ulong Stamp { get; set; }

    public bool ExpectsCompareFailure { get; set; }

    public bool MayBeAborted { get; set; }

    /// <summary>The pieces of its buffer in order.</summary>
    public List<(ulong Address, int Length)> Pieces { get; } = [];
}
