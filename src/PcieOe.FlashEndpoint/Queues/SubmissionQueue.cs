using PcieOe.Protocol.Nvme;

namespace PcieOe.FlashEndpoint.Queues;

/// <summary>A submission queue, in host memory or in the controller memory buffer. Made once for each identifier.</summary>
internal sealed unsafe class SubmissionQueue
{
    /// <summary>Entries fetched by one DMA read.</summary>
    public const int EntriesPerFetch = 16;

    /// <summary>DMA reads of one queue under way at a time.</summary>
    public const int MaximumFetches = 4;

    /// <summary>Memory that <see cref="SubmissionQueue(int, CompletionQueue, byte*)"/> asks for.</summary>
    public const int FetchBufferBytes = MaximumFetches * EntriesPerFetch * SubmissionEntry.SizeBytes;

    private readonly byte* _fetchBuffer;
    private readonly Fetch[] _fetches = new Fetch[MaximumFetches];
    private int _firstFetch;

    public SubmissionQueue(int id, CompletionQueue completions, byte* fetchBuffer)
    {
        Id = id;
        Completions = completions;
        _fetchBuffer = fetchBuffer;
    }

    public int Id { get; }

    public CompletionQueue Completions { get; private set; }

    public bool Exists { get; private set; }

    /// <summary>Being deleted: nothing more is fetched.</summary>
    public bool IsClosing { get; set; }

    /// <summary>A bus address; not used for a queue in the controller memory buffer.</summary>
    public ulong BaseAddress { get; private set; }

    /// <summary>The entries, if they lie in the controller memory buffer.</summary>
    public byte* Memory { get; private set; }

    public int Entries { get; private set; }

    /// <summary>What has been submitted, by the doorbell.</summary>
    public int Tail { get; private set; }

    /// <summary>What has been asked for.</summary>
    public int FetchHead { get; private set; }

    /// <summary>What has been taken: SQHD.</summary>
    public int Head { get; private set; }

    /// <summary>Commands of this queue that were taken and whose completion is not written.</summary>
    public int Outstanding { get; set; }

    public int FetchesUnderWay { get; private set; }

    public DoorbellMarks Marks { get; } = new();

    public bool HasEntries => FetchHead != Tail && !IsClosing;

    /// <summary>Entries submitted and not asked for, up to the end of the ring.</summary>
    public int ContiguousEntries => FetchHead <= Tail ? Tail - FetchHead : Entries - FetchHead;

    public void Create(CompletionQueue completions, ulong baseAddress, byte* memory, int entries)
    {
        Exists = true;
        IsClosing = false;
        Completions = completions;
        BaseAddress = baseAddress;
        Memory = memory;
        Entries = entries;
        Tail = 0;
        FetchHead = 0;
        Head = 0;
        Outstanding = 0;
        FetchesUnderWay = 0;
        _firstFetch = 0;
        Marks.Clear();
    }

    public void Delete() => Exists = false;

    /// <summary>False: there is no such entry.</summary>
    public bool TrySetTail(uint tail, long now, ulong origin)
    {
        if (tail >= (uint)Entries)
        {
            return false;
        }

        if ((int)tail != Tail)
        {
            Tail = (int)tail;
            Marks.Add(Tail, now, origin);
        }

        return true;
    }

    /// <summary>Takes entries out of the controller memory buffer one by one.</summary>
    public void TakeFromMemory(out SubmissionEntry entry)
    {
        entry = *(SubmissionEntry*)(Memory + (long)Head * SubmissionEntry.SizeBytes);
        FetchHead = Next(FetchHead);
        Head = FetchHead;
    }

    /// <summary>Notes a DMA read of <paramref name="count"/> entries from <see cref="FetchHead"/> on; the number of the fetch.</summary>
    public int BeginFetch(int count)
    {
        int fetch = (_firstFetch + FetchesUnderWay++) % MaximumFetches;
        _fetches[fetch] = new Fetch { Count = count };
        FetchHead += count;
        if (FetchHead == Entries)
        {
            FetchHead = 0;
        }

        return fetch;
    }

    /// <summary>Takes back the fetch begun last, since its read could not be started.</summary>
    public void CancelFetch(int count)
    {
        FetchesUnderWay--;
        FetchHead = (FetchHead == 0 ? Entries : FetchHead) - count;
    }

    public void OnFetchData(int fetch, int offset, ReadOnlySpan<byte> data)
    {
        int length = EntriesPerFetch * SubmissionEntry.SizeBytes;
        if (fetch < MaximumFetches && offset >= 0 && offset <= length - data.Length)
        {
            data.CopyTo(new Span<byte>(_fetchBuffer + fetch * length + offset, data.Length));
        }
    }

    public void OnFetchCompleted(int fetch) => _fetches[fetch % MaximumFetches].IsDone = true;

    /// <summary>Takes the next fetched entry, in the order of the ring. False: the oldest fetch has not come yet.</summary>
    public bool TryTakeFetched(out SubmissionEntry entry)
    {
        ref Fetch fetch = ref _fetches[_firstFetch];
        if (FetchesUnderWay == 0 || !fetch.IsDone)
        {
            entry = default;
            return false;
        }

        entry = ((SubmissionEntry*)_fetchBuffer)[_firstFetch * EntriesPerFetch + fetch.Taken];
        Head = Next(Head);
        if (++fetch.Taken == fetch.Count)
        {
            FetchesUnderWay--;
            _firstFetch = (_firstFetch + 1) % MaximumFetches;
        }

        return true;
    }

    private int Next(int index) => index + 1 == Entries ? 0 : index + 1;

    private struct Fetch
    {
        public int Count;
        public int Taken;
        public bool IsDone;
    }
}
