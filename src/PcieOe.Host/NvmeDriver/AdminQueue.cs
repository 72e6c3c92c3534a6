using PcieOe.Host.RootComplex;
using PcieOe.Protocol.Nvme;

namespace PcieOe.Host.NvmeDriver;

/// <summary>The admin queue: a few commands at a time, in host memory always.</summary>
internal sealed class AdminQueue
{
    public const int Entries = 32;

    private readonly QueuePair _queue;
    private readonly bool[] _isPending = new bool[Entries];
    private int _nextId;

    public AdminQueue(IRemoteFunction function, DmaPool pool) => _queue = new QueuePair(function, pool, id: 0, Entries, hops: null);

    public ulong SubmissionAddress => _queue.SubmissionAddress;

    public ulong CompletionAddress => _queue.CompletionAddress;

    public bool HasRoom => _queue.HasRoom && !_isPending[_nextId];

    public void Reset(int doorbellStrideExponent)
    {
        Array.Clear(_isPending);
        _nextId = 0;
        _queue.Reset(Entries, Entries, controllerPlace: null, doorbellStrideExponent);
    }

    /// <summary>The next entry, to be filled except for its command identifier. The caller has seen that there <see cref="HasRoom"/>.</summary>
    public ref SubmissionEntry Add(AdminOpcode opcode, out ushort commandId)
    {
        ref SubmissionEntry entry = ref _queue.Add();
        entry.Opcode = (byte)opcode;
        entry.CommandId = commandId = (ushort)_nextId;
        _isPending[_nextId] = true;
        _nextId = (_nextId + 1) % Entries;
        return ref entry;
    }

    public bool TryPost(long now) => _queue.TryPost(now);

    /// <summary>Takes the next completion of a command that is under way; others are counted.</summary>
    public bool TryTakeCompletion(NvmeDriverCounters counters, out CompletionEntry entry)
    {
        while (_queue.TryTakeCompletion(out entry))
        {
            if (entry.CommandId < Entries && _isPending[entry.CommandId])
            {
                _isPending[entry.CommandId] = false;
                return true;
            }

            counters.UnknownCompletions++;
        }

        return false;
    }
}
