using PcieOe.Protocol.Frames;

namespace PcieOe.FlashEndpoint.Media;

/// <summary>
/// Where blocks are kept: a flat range of bytes that reads as zeroes until written. Used by one client on one thread, which it never
/// blocks. Ranges are checked by the caller: within <see cref="CapacityBytes"/>, at block boundaries.
/// <para>
/// A request that overlaps an earlier one still pending takes effect after it, if one of the two changes content: a block is read as it
/// was before or after any write, never as a mixture, and a write from before a reset never overtakes one from after it.
/// Nothing else is promised about the order of pending requests.
/// </para>
/// </summary>
public interface IBlockMedia : IDisposable
{
    long CapacityBytes { get; }

    /// <summary>
    /// Reads, writes and flushes are completed by the call that starts them, and <see cref="Read"/> may be used: data then goes from the
    /// medium straight to where it leaves from. Long changes (<see cref="MediaOperation.Deallocate"/>) may be pending all the same.
    /// </summary>
    bool IsImmediate { get; }

    /// <summary>Writes that were not forced may be lost with the machine's power until a flush (Identify Controller, VWC).</summary>
    bool HasVolatileWriteCache { get; }

    /// <summary>
    /// Set Features, Volatile Write Cache: while false, every write is durable when it completes, as if forced. As configured at start;
    /// without such a cache it changes nothing.
    /// </summary>
    bool IsWriteCacheEnabled { get; set; }

    /// <summary>
    /// A synchronisation failed: what was acknowledged before may be gone, so every request fails until the medium is opened anew
    /// (SMART critical warning, reliability degraded).
    /// </summary>
    bool IsFaulted { get; }

    /// <summary>Copies out of an immediate medium; of any other it must not be called.</summary>
    void Read(long offset, Span<byte> destination);

    /// <summary>As <see cref="Read"/>, at most 9216 bytes; returns the CRC-32C register over them, started from 0.</summary>
    uint ReadChecked(long offset, Span<byte> destination)
    {
        Read(offset, destination);
        return Crc32C.Append(0, destination);
    }

    /// <summary>This much of an immediate medium is about to be read: it may fetch the beginning from memory meanwhile.</summary>
    void Prefetch(long offset, long length);

    /// <summary>Starts a request. Where it is completed at once, <paramref name="status"/> says how.</summary>
    MediaStart Start(in MediaRequest request, out MediaStatus status);

    /// <summary>Hands the pending requests started so far to the kernel or threads, in one batch. Call it once a round when something was started; Poll does it too.</summary>
    void Submit();

    /// <summary>Whether <see cref="Poll"/> would give something or has work to do; a look at memory, cheap enough for every poll round.</summary>
    bool HasCompletions { get; }

    /// <summary>Takes completions of pending requests, in the order in which they came in; the number taken.</summary>
    int Poll(Span<MediaCompletion> completions);

    /// <summary>A descriptor that is readable while <see cref="Poll"/> may have something to give; -1 for an immediate medium. Poll clears it.</summary>
    int WakeUpDescriptor { get; }
}
