namespace PcieOe.FlashEndpoint.Media;

/// <summary>
/// Where the bytes of namespaces are kept: a flat range of bytes, without blocks, addresses of its own or time. It belongs to one client
/// on one thread, never blocks it, and never allocates in steady state. Offsets and lengths are the client's to check: a range
/// outside the capacity is a mistake of the program.
/// <para>
/// An immediate medium (memory) copies in <see cref="Read"/> and <see cref="Write"/>. Any other works on buffers it hands out, through
/// <see cref="TryStart"/> and <see cref="Poll"/>. The slow operations (flush, deallocate, write zeroes) go through TryStart and Poll with both.
/// </para>
/// <para>
/// Requests under way may end in any order, except that a request which overlaps an earlier one, where one of the two changes content,
/// takes effect after it. A read therefore sees each logical block whole: as it was before a write or after it.
/// </para>
/// </summary>
public interface IBlockMedia : IDisposable
{
    long CapacityBytes { get; }

    /// <summary>Whether <see cref="Read"/> and <see cref="Write"/> may be called.</summary>
    bool IsImmediate { get; }

    /// <summary>Largest length of a read or write request, and the size of every buffer; 0 with an immediate medium.</summary>
    int MaximumTransferBytes { get; }

    /// <summary>Whether there is anything between acknowledgement and permanence that a flush has to empty (the NVMe volatile write cache).</summary>
    bool HasVolatileWriteCache { get; }

    /// <summary>
    /// When false, each write is permanent when it completes, as with forced unit access. True at start unless configured
    /// otherwise; without a volatile write cache it has no effect.
    /// </summary>
    bool IsWriteCacheEnabled { get; set; }

    /// <summary>
    /// What was acknowledged may be gone (a flush failed): every request fails with <see cref="MediaStatus.Faulted"/> until the medium is opened anew.
    /// </summary>
    bool IsFaulted { get; }

    /// <summary>A descriptor that poll(2) reports readable when <see cref="Poll"/> has something; -1 with an immediate medium.</summary>
    int WakeDescriptor { get; }

    /// <summary>Requests that were started and whose end Poll has not told yet, abandoned ones included: while not 0, call Poll every round.</summary>
    int Outstanding { get; }

    /// <summary>Copies out at once. Only with an immediate medium.</summary>
    void Read(long offset, Span<byte> destination);

    /// <summary>Copies in at once. Only with an immediate medium.</summary>
    void Write(long offset, ReadOnlySpan<byte> source);

    /// <summary>Takes a buffer for a read or write request. False: all are out. Its content is undefined.</summary>
    bool TryRentBuffer(out MediaBuffer buffer);

    /// <summary>Gives a buffer back; never one that a request under way still names.</summary>
    void ReturnBuffer(MediaBuffer buffer);

    /// <summary>Starts a request. False: too many are under way, try again after Poll told of one's end. The answer never comes inside this call.</summary>
    bool TryStart(in MediaRequest request);

    /// <summary>Hands everything started so far to whoever does it: once a round, after the last TryStart. Poll does so too.</summary>
    void Submit();

    /// <summary>Tells of requests that ended, at most <paramref name="completions"/>.Length, and does a bounded piece of work on those under way.</summary>
    int Poll(Span<MediaCompletion> completions);

    /// <summary>
    /// Forgets all requests under way (a controller reset): Poll tells nothing more of them, and their buffers come back by themselves once
    /// nothing uses them any more. Whether an abandoned write happened is open, but none overtakes a later request.
    /// Buffers that were rented and not handed over with a request stay the client's to return.
    /// </summary>
    void Abandon();
}
