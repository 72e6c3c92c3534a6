namespace PcieOe.FlashEndpoint.Media;

/// <summary>What a medium is asked to do.</summary>
public enum MediaOperation : byte
{
    Read,
    Write,

    /// <summary>Everything whose write has completed before becomes durable; offset and length mean nothing.</summary>
    Flush,

    /// <summary>The range is no longer needed and reads as zeroes from now on.</summary>
    Deallocate,

    /// <summary>The range reads as zeroes from now on, and is as durable as data written.</summary>
    WriteZeroes,
}

/// <summary>A request to a medium.</summary>
public readonly unsafe struct MediaRequest
{
    public required MediaOperation Operation { get; init; }

    /// <summary>FUA, of anything that changes content: durable when it completes.</summary>
    public bool ForceUnitAccess { get; init; }

    public long Offset { get; init; }

    /// <summary>Bytes; as long as the whole medium for Deallocate and WriteZeroes, a command's transfer at most for Read and Write.</summary>
    public long Length { get; init; }

    /// <summary>Where data comes from or goes to, aligned to 4 bytes at least. It stays where it is until the request completes, also over a reset.</summary>
    public byte* Data { get; init; }

    /// <summary>Handed back in <see cref="MediaCompletion.Context"/>.</summary>
    public ulong Context { get; init; }
}

/// <summary>How the start of a request went.</summary>
public enum MediaStart : byte
{
    /// <summary>It is done; nothing more comes of it.</summary>
    Completed,

    /// <summary>Its completion comes out of <see cref="IBlockMedia.Poll"/>.</summary>
    Pending,

    /// <summary>Too many are outstanding: start it again after the next completion.</summary>
    Busy,
}

/// <summary>How a request ended.</summary>
public enum MediaStatus : byte
{
    Success,

    /// <summary>The data cannot be read, or cannot be trusted: see <see cref="IBlockMedia.IsFaulted"/>.</summary>
    ReadError,

    /// <summary>The data could not be written: the range holds old content, new, or some blocks of each. Or see <see cref="IBlockMedia.IsFaulted"/>.</summary>
    WriteError,

    /// <summary>No room is left under the medium; otherwise as <see cref="WriteError"/>.</summary>
    OutOfSpace,
}

/// <summary>The end of a pending request.</summary>
public readonly record struct MediaCompletion(ulong Context, MediaStatus Status);
