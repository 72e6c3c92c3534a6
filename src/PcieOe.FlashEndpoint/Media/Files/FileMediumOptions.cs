namespace PcieOe.FlashEndpoint.Media.Files;

/// <summary>Which file a medium lies in, and how it is used.</summary>
public sealed record FileMediumOptions
{
    /// <summary>A regular file, or a block device.</summary>
    public required string Path { get; init; }

    /// <summary>Bytes, a multiple of 4096; 0 takes the size that the file has.</summary>
    public long SizeBytes { get; init; }

    /// <summary>Whether a file that is not there is made, with <see cref="SizeBytes"/>.</summary>
    public bool CreateIfMissing { get; init; }

    /// <summary>Whether a file that is made takes all of its storage at once, so that the disk cannot run full later. Else it is sparse.</summary>
    public bool Preallocate { get; init; }

    /// <summary>
    /// Whether writes complete when the system has them (they survive this process), and flushes make them permanent. False: every
    /// write is permanent when it completes, until a driver asks for the write cache.
    /// </summary>
    public bool EnableWriteCache { get; init; } = true;

    public FileEngineKind Engine { get; init; } = FileEngineKind.Automatic;

    /// <summary>Threads, if threads do the work; at least 2.</summary>
    public int Threads { get; init; } = 4;

    /// <summary>Requests under way at most.</summary>
    public int MaximumOutstanding { get; init; } = 256;

    /// <summary>How long to wait for a file that is in use: a process that was killed holds it until the kernel has ended its work.</summary>
    public int LockTimeoutMilliseconds { get; init; } = 2000;

    /// <summary>Adds one sentence to <paramref name="mistakes"/> for each value that makes no sense. It does not look at the file.</summary>
    public void Validate(ICollection<string> mistakes)
    {
        ArgumentNullException.ThrowIfNull(mistakes);
        if (string.IsNullOrWhiteSpace(Path))
        {
            mistakes.Add($"{nameof(Path)} is empty: name the file that holds the data.");
        }

        if (SizeBytes < 0 || SizeBytes % FileMedium.AlignmentBytes != 0)
        {
            mistakes.Add($"{nameof(SizeBytes)} is {SizeBytes}: must be a multiple of {FileMedium.AlignmentBytes}.");
        }

        if (CreateIfMissing && SizeBytes == 0)
        {
            mistakes.Add($"{nameof(SizeBytes)} is missing: a file that may have to be made needs it.");
        }

        if (Threads is < 2 or > 64)
        {
            mistakes.Add($"{nameof(Threads)} is {Threads}: must be 2 to 64.");
        }

        if (MaximumOutstanding is < 1 or > 4096)
        {
            mistakes.Add($"{nameof(MaximumOutstanding)} is {MaximumOutstanding}: must be 1 to 4096.");
        }

        if (LockTimeoutMilliseconds is < 0 or > 600_000)
        {
            mistakes.Add($"{nameof(LockTimeoutMilliseconds)} is {LockTimeoutMilliseconds}: must be 0 to 600000.");
        }

        if (!Enum.IsDefined(Engine))
        {
            mistakes.Add($"{nameof(Engine)} is {(int)Engine}: must be one of {string.Join(", ", Enum.GetNames<FileEngineKind>())}.");
        }
    }
}

/// <summary>Who does the work on a file.</summary>
public enum FileEngineKind : byte
{
    /// <summary>io_uring where the kernel allows it, else threads.</summary>
    Automatic,

    IoUring,

    Threads,
}
