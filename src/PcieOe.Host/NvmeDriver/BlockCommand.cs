namespace PcieOe.Host.NvmeDriver;

/// <summary>What a block command does.</summary>
public enum BlockOperation : byte
{
    Read,
    Write,
    Compare,

    /// <summary>Everything acknowledged before is durable once this completes.</summary>
    Flush,

    /// <summary>The blocks' content is of no interest any more.</summary>
    Trim,
    WriteZeroes,
}

/// <summary>One command to a namespace. The driver copies it; only the buffer must stay as it is until completion.</summary>
public struct BlockCommand
{
    public BlockOperation Operation;

    /// <summary>Write and write zeroes: durable once completed.</summary>
    public bool ForceUnitAccess;

    public uint NamespaceId;

    /// <summary>The first block.</summary>
    public ulong Lba;

    /// <summary>
    /// How many blocks: within <see cref="NvmeBlockDriver.MaximumTransferBytes"/> for those that move data, at most 65536 for write zeroes,
    /// any number for trim, ignored for flush.
    /// </summary>
    public uint Blocks;

    /// <summary>Read, write, compare: an address in the driver's <see cref="DmaPool"/>, a multiple of 4.</summary>
    public nint Buffer;

    /// <summary>Handed back at completion.</summary>
    public ulong Context;

    /// <summary>The name of its hop stamps; 0: it has none.</summary>
    internal uint Sample;

    /// <summary>Through a channel: when its client submitted it, if it is to have stamps; otherwise 0.</summary>
    internal long SubmittedAt;

    /// <summary>True for those that move data between host and controller.</summary>
    public readonly bool MovesData => Operation <= BlockOperation.Compare;
}
