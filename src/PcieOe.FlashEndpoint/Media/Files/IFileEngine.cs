namespace PcieOe.FlashEndpoint.Media.Files;

/// <summary>
/// Does single steps on one file without holding up its caller: by io_uring, or by threads. One caller on one thread. Steps under way
/// may end in any order.
/// </summary>
internal interface IFileEngine : IDisposable
{
    /// <summary>poll(2) reports it readable when <see cref="Take"/> has something.</summary>
    int WakeUpDescriptor { get; }

    /// <summary>Adds a step to the next <see cref="Submit"/>. The caller keeps to the number of steps the engine was made for.</summary>
    void Add(in FileStep step);

    void Submit();

    /// <summary>Whether Take has something, or Submit. A look at memory.</summary>
    bool HasWork { get; }

    /// <summary>Takes results of steps that ended.</summary>
    int Take(Span<FileStepResult> results);
}

/// <summary>A step on a file.</summary>
internal unsafe struct FileStep
{
    public FileStepKind Kind;

    /// <summary>The caller's name for it.</summary>
    public int Slot;

    public long Offset;

    /// <summary>Bytes; at most 1 GiB for reads and writes.</summary>
    public long Length;

    public byte* Data;
}

internal enum FileStepKind : byte
{
    Read,
    Write,

    /// <summary>fdatasync: of a range at least, if its length is not 0, else of the whole file.</summary>
    Synchronize,

    PunchHole,

    ZeroRange,
}

/// <summary>The end of a step.</summary>
/// <param name="Result">Bytes read or written, 0 for the others; an error number, negated.</param>
internal readonly record struct FileStepResult(int Slot, int Result);
