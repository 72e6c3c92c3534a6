using System.Diagnostics;
using System.Runtime.Intrinsics.X86;
using PcieOe.FlashEndpoint.Interop;
using PcieOe.Protocol.Frames;

namespace PcieOe.FlashEndpoint.Media.Memory;

/// <summary>
/// A medium of anonymous memory that is taken as it is written: a size of terabytes costs nothing until then. What was never written,
/// or deallocated, reads as zeroes without touching memory. Deallocated memory goes back to the system chunk by chunk, in Poll.
/// Nothing survives the process, so there is nothing to flush.
/// </summary>
public sealed unsafe class MemoryMedium : IBlockMedia
{
    /// <summary>The size of a huge page, and of what is known as written or not.</summary>
    private const long ChunkBytes = 2 << 20;

    private const long PageBytes = 4096;

    private const long FirstPrefetchedBytes = 1024;
    private const long PrefetchedBytes = 256;

    /// <summary>Below this, overwriting with zeroes costs less than giving pages back.</summary>
    private const long SmallestReturnBytes = 16 * PageBytes;

    private readonly ChunkMap _chunks;
    private readonly ReadAhead _readAhead = new();
    private readonly nuint _mappedBytes;
    private readonly byte* _mapping;
    private readonly byte* _memory;
    private bool _isDisposed;

    /// <param name="useHugePages">
    /// Whether to ask for pages of 2 MiB: faster, but a small write then takes 2 MiB. Null: only if all of the medium fits into the machine's memory.
    /// </param>
    /// <param name="preallocate">Whether to take all memory now, so that no first write has to wait for it.</param>
    /// <exception cref="MediaException">There is not so much address space, or memory.</exception>
    public MemoryMedium(long capacityBytes, bool? useHugePages = null, bool preallocate = false)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(capacityBytes);
        CapacityBytes = capacityBytes;
        long chunks = (capacityBytes + ChunkBytes - 1) / ChunkBytes;

        // One chunk more, so that chunks can start where huge pages do.
        _mappedBytes = (nuint)((chunks + 1) * ChunkBytes);
        _mapping = (byte*)Libc.Map(null, _mappedBytes, Libc.ProtectionReadWrite, Libc.MapPrivate | Libc.MapAnonymous | Libc.MapNoReserve, -1, 0);
        if ((nint)_mapping == -1)
        {
            throw new MediaException($"A memory medium of {capacityBytes} bytes cannot be mapped ({Errno.Describe(Libc.LastError)}): choose a smaller size, or raise the limit of address space (ulimit -v).");
        }

        _memory = (byte*)(((nuint)_mapping + (nuint)ChunkBytes - 1) & ~((nuint)ChunkBytes - 1));
        _chunks = new ChunkMap(chunks);

        // Advice may be refused (a kernel without huge pages): the medium works all the same.
        bool isHuge = useHugePages ?? capacityBytes <= GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        _ = Libc.Advise(_memory, (nuint)(chunks * ChunkBytes), isHuge ? Libc.AdviseHugePage : Libc.AdviseNoHugePage);
        _ = Libc.Advise(_memory, (nuint)(chunks * ChunkBytes), Libc.AdviseDoNotDump);
        if (preallocate)
        {
            Preallocate();
        }
    }

    public long CapacityBytes { get; }

    public bool IsImmediate => true;

    public bool HasVolatileWriteCache => false;

    public bool IsWriteCacheEnabled { get; set; } = true;

    public bool IsFaulted => false;

    public bool HasCompletions => _chunks.StaleCount > 0;

    public int WakeUpDescriptor => -1;

    public void Read(long offset, Span<byte> destination)
    {
        Debug.Assert(offset >= 0 && offset + destination.Length <= CapacityBytes);
        while (true)
        {
            long chunk = offset / ChunkBytes;
            int length = (int)Math.Min(destination.Length, ((chunk + 1) * ChunkBytes) - offset);
            Span<byte> part = destination[..length];
            if (_chunks.IsWritten(chunk))
            {
                new ReadOnlySpan<byte>(_memory + offset, length).CopyTo(part);
            }
            else
            {
                part.Clear();
            }

            if (length == destination.Length)
            {
                return;
            }

            offset += length;
            destination = destination[length..];
        }
    }

    public uint ReadChecked(long offset, Span<byte> destination)
    {
        Debug.Assert(offset >= 0 && offset + destination.Length <= CapacityBytes);
        byte* source = _memory + offset;
        long chunk = offset / ChunkBytes;
        if (!_readAhead.OnRead(source, destination.Length) || !_chunks.IsWritten(chunk) || offset + destination.Length > (chunk + 1) * ChunkBytes)
        {
            Read(offset, destination);
            return Crc32C.Append(0, destination);
        }

        int lines = _readAhead.Take(CheckedCopy.LinesBeside(destination.Length), out byte* ahead);
        fixed (byte* copy = destination)
        {
            return CheckedCopy.Copy(source, copy, destination.Length, ahead, lines);
        }
    }

    /// <summary>
    /// A command's data is read some microseconds after its entry. The address is looked up meanwhile, and the beginning comes; the rest is
    /// asked for beside the copy of the one before, and where there is none more of the beginning. All at once would hold up what comes next.
    /// </summary>
    public void Prefetch(long offset, long length)
    {
        Debug.Assert(offset >= 0 && offset + length <= CapacityBytes);
        if (Sse.IsSupported)
        {
            byte* start = _memory + offset;
            long prefetched = Math.Min(length, _readAhead.IsEmpty ? FirstPrefetchedBytes : PrefetchedBytes);
            for (long i = 0; i < prefetched; i += CheckedCopy.LineBytes)
            {
                Sse.Prefetch0(start + i);
            }

            _readAhead.Announce(start, length, (int)(prefetched / CheckedCopy.LineBytes));
        }
    }

    public MediaStart Start(in MediaRequest request, out MediaStatus status)
    {
        Debug.Assert(request.Operation == MediaOperation.Flush || (request.Offset >= 0 && request.Offset + request.Length <= CapacityBytes));
        status = MediaStatus.Success;
        switch (request.Operation)
        {
            case MediaOperation.Read:
                Read(request.Offset, new Span<byte>(request.Data, (int)request.Length));
                break;
            case MediaOperation.Write:
                Write(request.Offset, new ReadOnlySpan<byte>(request.Data, (int)request.Length));
                break;
            case MediaOperation.Deallocate:
            case MediaOperation.WriteZeroes:
                Zero(request.Offset, request.Length);
                break;
        }

        return MediaStart.Completed;
    }

    public void Submit()
    {
    }

    /// <summary>Returns one chunk of deallocated memory. There are never completions.</summary>
    public int Poll(Span<MediaCompletion> completions)
    {
        if (_chunks.StaleCount > 0)
        {
            ReturnMemory(_chunks.NextStale());
        }

        return 0;
    }

    public void Dispose()
    {
        if (!_isDisposed)
        {
            _isDisposed = true;
            _ = Libc.Unmap(_mapping, _mappedBytes);
        }
    }

    private void Write(long offset, ReadOnlySpan<byte> source)
    {
        long last = (offset + source.Length - 1) / ChunkBytes;
        for (long chunk = offset / ChunkBytes; chunk <= last; chunk++)
        {
            if (!_chunks.IsWritten(chunk))
            {
                if (_chunks.IsStale(chunk))
                {
                    ReturnMemory(chunk);
                }

                _chunks.SetWritten(chunk);
            }
        }

        source.CopyTo(new Span<byte>(_memory + offset, source.Length));
    }

    private void Zero(long offset, long length)
    {
        long end = offset + length;
        long firstWhole = (offset + ChunkBytes - 1) / ChunkBytes;
        long endWhole = end / ChunkBytes;
        if (firstWhole > endWhole)
        {
            ZeroWithinChunk(offset, end);
            return;
        }

        ZeroWithinChunk(offset, firstWhole * ChunkBytes);
        _chunks.MakeStale(firstWhole, endWhole - firstWhole);
        ZeroWithinChunk(endWhole * ChunkBytes, end);
    }

    private void ZeroWithinChunk(long offset, long end)
    {
        if (offset == end || !_chunks.IsWritten(offset / ChunkBytes))
        {
            return;
        }

        long firstPage = (offset + PageBytes - 1) & ~(PageBytes - 1);
        long endPage = end & ~(PageBytes - 1);
        if (endPage - firstPage < SmallestReturnBytes ||
            Libc.Advise(_memory + firstPage, (nuint)(endPage - firstPage), Libc.AdviseDoNotNeed) != 0)
        {
            new Span<byte>(_memory + offset, (int)(end - offset)).Clear();
            return;
        }

        new Span<byte>(_memory + offset, (int)(firstPage - offset)).Clear();
        new Span<byte>(_memory + endPage, (int)(end - endPage)).Clear();
    }

    private void ReturnMemory(long chunk)
    {
        // Memory that is locked cannot be given back; it must read as zeroes all the same.
        if (Libc.Advise(_memory + (chunk * ChunkBytes), (nuint)ChunkBytes, Libc.AdviseDoNotNeed) != 0)
        {
            new Span<byte>(_memory + (chunk * ChunkBytes), (int)ChunkBytes).Clear();
        }

        _chunks.ClearStale(chunk);
    }

    private void Preallocate()
    {
        if (Libc.Advise(_memory, (nuint)((CapacityBytes + PageBytes - 1) & ~(PageBytes - 1)), Libc.AdvisePopulateWrite) == 0)
        {
            return;
        }

        int error = Libc.LastError;
        if (error != Errno.Invalid)
        {
            Dispose();
            throw new MediaException($"A memory medium of {CapacityBytes} bytes cannot be preallocated ({Errno.Describe(error)}): choose a smaller size, or none.");
        }

        // A kernel before 5.14: touch each page.
        for (long offset = 0; offset < CapacityBytes; offset += PageBytes)
        {
            _memory[offset] = 0;
        }
    }
}
