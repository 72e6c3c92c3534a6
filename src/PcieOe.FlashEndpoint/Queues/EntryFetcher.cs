using PcieOe.FlashEndpoint.Controller;
using PcieOe.FlashEndpoint.Dma;
using PcieOe.Protocol.Functions;
using PcieOe.Protocol.Nvme;

namespace PcieOe.FlashEndpoint.Queues;

/// <summary>
/// Takes entries out of submission queues: the admin queue first, the others in turn (round robin with the arbitration burst of Set
/// Features). From host memory several at once by one DMA read; from the controller memory buffer without any. Takes no more than there
/// are command slots and completion queue entries for, and only so many in one call.
/// </summary>
internal sealed unsafe class EntryFetcher(NvmeController controller)
{
    /// <summary>Entries taken or asked for in one call.</summary>
    private const int BudgetPerCall = 64;

    private readonly QueueSet _queues = controller.Queues;
    private readonly CommandTable _commands = controller.Commands;
    private readonly ControllerState _state = controller.State;
    private readonly CommandPipeline _pipeline = controller.Pipeline;
    private int _next = 1;
    private bool _isWaitingForReadRoom;

    /// <summary>Serves the queues that have entries.</summary>
    public void Run(long now)
    {
        if (!_state.IsRunning)
        {
            return;
        }

        int budget = BudgetPerCall;
        if (_queues.NextWithEntries(0) == 0)
        {
            budget -= Serve(_queues.AdminSubmission, budget, budget, now);
        }

        int burst = controller.Features.ArbitrationBurst;
        int idle = 0;
        while (budget > 0 && idle < _queues.Count && _state.IsRunning)
        {
            int id = _queues.NextWithEntries(_next);
            if (id < 0)
            {
                id = _queues.NextWithEntries(1);
                if (id < 0)
                {
                    return;
                }
            }

            _next = id + 1 < _queues.Count ? id + 1 : 1;
            int served = Serve(_queues.SubmissionSlot(id)!, Math.Min(burst, budget), budget, now);
            budget -= served;
            idle = served == 0 ? idle + 1 : 0;
        }

        if (budget <= 0)
        {
            controller.AskForRound();
        }
    }

    public void OnReadRoom() => _isWaitingForReadRoom = false;

    public void OnData(TransactionName name, int offset, ReadOnlySpan<byte> data) =>
        _queues.FindSubmission(name.Index)?.OnFetchData(name.Part, offset, data);

    public void OnCompleted(TransactionName name, DmaReadStatus status, long now)
    {
        if (_queues.FindSubmission(name.Index) is not { } queue)
        {
            return;
        }

        if (status != DmaReadStatus.Success)
        {
            _state.Fail(NvmeStatus.DataTransferError);
            return;
        }

        queue.OnFetchCompleted(name.Part);
        while (_state.IsRunning && queue.Exists && queue.TryTakeFetched(out SubmissionEntry entry))
        {
            _commands.Promised--;
            Begin(queue, in entry, now);
        }
    }

    /// <summary>Forgets everything: a reset.</summary>
    public void Reset()
    {
        _next = 1;
        _isWaitingForReadRoom = false;
        _commands.Promised = 0;
    }

    private int Serve(SubmissionQueue queue, int burst, int budget, long now)
    {
        int count = Math.Min(Math.Min(burst, budget), Math.Min(queue.Completions.Room, _commands.AvailableFor(queue.Id == 0)));
        if (!queue.HasEntries)
        {
            _queues.UnmarkEntries(queue.Id);
            return 0;
        }

        return count <= 0 ? 0 : queue.Memory is not null ? Take(queue, count, now) : Fetch(queue, count);
    }

    private int Take(SubmissionQueue queue, int count, long now)
    {
        int taken = 0;
        while (taken < count && queue.HasEntries && _state.IsRunning)
        {
            queue.TakeFromMemory(out SubmissionEntry entry);
            queue.Completions.Reserved++;
            queue.Outstanding++;
            taken++;
            Begin(queue, in entry, now);
        }

        return taken;
    }

    private int Fetch(SubmissionQueue queue, int count)
    {
        if (_isWaitingForReadRoom || queue.FetchesUnderWay == SubmissionQueue.MaximumFetches || !controller.IsBusMaster)
        {
            return 0;
        }

        count = Math.Min(count, Math.Min(queue.ContiguousEntries, SubmissionQueue.EntriesPerFetch));
        ulong address = queue.BaseAddress + (ulong)queue.FetchHead * SubmissionEntry.SizeBytes;
        int fetch = queue.BeginFetch(count);
        if (!controller.Host.TryRead(address, count * SubmissionEntry.SizeBytes,
            new TransactionName(TransactionKind.EntryFetch, _state.Epoch, queue.Id, fetch).ReadId))
        {
            queue.CancelFetch(count);
            _isWaitingForReadRoom = true;
            return 0;
        }

        _commands.Promised += count;
        queue.Completions.Reserved += count;
        queue.Outstanding += count;
        return count;
    }

    private void Begin(SubmissionQueue queue, in SubmissionEntry entry, long now)
    {
        Command command = _commands.Take();
        command.Entry = entry;
        command.Queue = queue;
        command.ArrivalNanoseconds = queue.Marks.First.Nanoseconds;
        command.ArrivalOrigin = queue.Marks.First.Origin;
        queue.Marks.OnTaken(queue.Head);
        _pipeline.Begin(command, now);
    }
}
