using PcieOe.Protocol.Functions;

namespace PcieOe.Target.Functions;

/// <summary>
/// Ready transactions, the earliest deadline first, in the order of their coming among equals: a binary heap in fixed memory.
/// </summary>
internal sealed class EgressQueue(int capacity)
{
    private readonly Entry[] _heap = new Entry[capacity];
    private ulong _nextSequence;

    public int Count { get; private set; }

    /// <summary>Bytes that the waiting transactions are going to write, by their own estimate.</summary>
    public long WaitingBytes { get; private set; }

    public void Push(in ReadyTransaction transaction)
    {
        if (Count == _heap.Length)
        {
            throw new InvalidOperationException($"The function has more than {_heap.Length} transactions ready.");
        }

        Entry entry = new(transaction.DeadlineNanoseconds, _nextSequence++, transaction.Token, Math.Max(0, transaction.BytesToWrite));
        WaitingBytes += entry.Bytes;
        int index = Count++;
        while (index > 0 && entry.IsBefore(_heap[index - 1 >> 1]))
        {
            _heap[index] = _heap[index - 1 >> 1];
            index = index - 1 >> 1;
        }

        _heap[index] = entry;
    }

    public bool TryPop(out TransactionToken token)
    {
        if (Count == 0)
        {
            token = default;
            return false;
        }

        token = _heap[0].Token;
        WaitingBytes -= _heap[0].Bytes;
        Entry last = _heap[--Count];
        int index = 0;
        while (true)
        {
            int child = index * 2 + 1;
            if (child >= Count)
            {
                break;
            }

            if (child + 1 < Count && _heap[child + 1].IsBefore(_heap[child]))
            {
                child++;
            }

            if (!_heap[child].IsBefore(last))
            {
                break;
            }

            _heap[index] = _heap[child];
            index = child;
        }

        _heap[index] = last;
        return true;
    }

    public void Clear()
    {
        Count = 0;
        WaitingBytes = 0;
    }

    private readonly record struct Entry(long Deadline, ulong Sequence, TransactionToken Token, int Bytes)
    {
        public bool IsBefore(in Entry other) => Deadline != other.Deadline ? Deadline < other.Deadline : Sequence < other.Sequence;
    }
}
