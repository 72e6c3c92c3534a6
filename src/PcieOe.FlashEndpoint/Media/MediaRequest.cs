namespace PcieOe.FlashEndpoint.Media;

/// <summary>What a medium is asked to do.</summary>
public enum MediaOperation : byte
{
    /// <summary>Medium to buffer.</summary>
    Read,

    /// <summary>Buffer to medium.</summary>
    Write,

    /// <summary>Makes everything permanent whose completion Poll had told when the flush was started. Offset and length are ignored.</summary>
    Flush,

    /// <summary>Gives the storage of a range back; it reads as zeroes afterwards.</summary>
    Deallocate,

    /// <summary>Makes a range read as zeroes, keeping its storage where the medium can.</summary>
    WriteZeroes,
}

/// <summary>One request to a medium.</summary>
public readonly struct MediaRequest
{
    public required MediaOperation Operation { get; init; }

    /// <summary>Of a write, write zeroes or deallocate: permanent before it completes.</summary>
    public bool ForceUnitAccess { get; init; }

    /// <summary>Bytes from the start of the medium.</summary>
    public long Offset { get; init; }

    /// <summary>Bytes; for a read or write at most <see cref="IBlockMedia.MaximumTransferBytes"/>.</summary>
    public long Length { get; init; }

    /// <summary>Of a read or write: its data, from the buffer's first byte on. It must not be touched until the request has ended.</summary>
    public MediaBuffer Buffer { get; init; }

    /// <summary>Handed back in the completion.</summary>
    public ulong Token { get; init; }
}

/// <summary>The end of a request. Its buffer, if it had one, is the client's again.</summary>
public readonly record struct MediaCompletion(ulong Token, MediaStatus Status);

/// <summary>How a request ended.</summary>
public enum MediaStatus : byte
{
    Success,

    /// <summary>The data could not be read.</summary>
    ReadError,

    /// <summary>The data could not be written; the range may hold old content, new, or some of each, by logical block.</summary>
    WriteError,

    /// <summary>No room is left beneath the medium; otherwise as <see cref="WriteError"/>.</summary>
    NoSpace,

    /// <summary>See <see cref="IBlockMedia.IsFaulted"/>.</summary>
    Faulted,
}
