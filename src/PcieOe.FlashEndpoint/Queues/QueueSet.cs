using PcieOe.FlashEndpoint.Dma;

namespace PcieOe.FlashEndpoint.Queues;

/// <summary>All queues of a controller, made beforehand; creating one only fills it in. Queue 0 is the admin queue.</summary>
internal sealed unsafe class QueueSet : IDisposable
{
    private readonly SubmissionQueue[] _submission;
    private readonly CompletionQueue[] _completion;
    private readonly NativeRegion _fetchBuffers;
    private readonly ulong[] _withEntries;

    public QueueSet(int ioQueuePairs)
    {
        int count = ioQueuePairs + 1;
        _submission = new SubmissionQueue[count];
        _completion = new CompletionQueue[count];
        _withEntries = new ulong[(count + 63) / 64];
        _fetchBuffers = new NativeRegion((long)count * SubmissionQueue.FetchBufferBytes);
        for (int i = 0; i < count; i++)
        {
            _completion[i] = new CompletionQueue(i);
            _submission[i] = new SubmissionQueue(i, _completion[i], _fetchBuffers.Start + (long)i * SubmissionQueue.FetchBufferBytes);
        }
    }

    /// <summary>Queue pairs, the admin queue's included.</summary>
    public int Count => _submission.Length;

    public SubmissionQueue AdminSubmission => _submission[0];

    public CompletionQueue AdminCompletion => _completion[0];

    public SubmissionQueue? FindSubmission(int id) => (uint)id < (uint)_submission.Length && _submission[id].Exists ? _submission[id] : null;

    public CompletionQueue? FindCompletion(int id) => (uint)id < (uint)_completion.Length && _completion[id].Exists ? _completion[id] : null;

    /// <summary>The place for a queue that is to be created; null where the identifier is out of range.</summary>
    public SubmissionQueue? SubmissionSlot(int id) => (uint)id < (uint)_submission.Length ? _submission[id] : null;

    /// <inheritdoc cref="SubmissionSlot"/>
    public CompletionQueue? CompletionSlot(int id) => (uint)id < (uint)_completion.Length ? _completion[id] : null;

    public void MarkEntries(int id) => _withEntries[id >> 6] |= 1UL << (id & 63);

    public void UnmarkEntries(int id) => _withEntries[id >> 6] &= ~(1UL << (id & 63));

    /// <summary>The first submission queue from <paramref name="id"/> on that may have entries; -1 for none.</summary>
    public int NextWithEntries(int id)
    {
        for (int word = id >> 6; word < _withEntries.Length; word++)
        {
            ulong bits = _withEntries[word] & (word == id >> 6 ? ulong.MaxValue << (id & 63) : ulong.MaxValue);
            if (bits != 0)
            {
                return (word << 6) + System.Numerics.BitOperations.TrailingZeroCount(bits);
            }
        }

        return -1;
    }

    public bool HasEntries
    {
        get
        {
            ulong any = 0;
            foreach (ulong word in _withEntries)
            {
                any |= word;
            }

            return any != 0;
        }
    }

    public void DeleteAll()
    {
        foreach (SubmissionQueue queue in _submission)
        {
            queue.Delete();
        }

        foreach (CompletionQueue queue in _completion)
        {
            queue.Delete();
        }

        Array.Clear(_withEntries);
    }

    public void Dispose() => _fetchBuffers.Dispose();
}
