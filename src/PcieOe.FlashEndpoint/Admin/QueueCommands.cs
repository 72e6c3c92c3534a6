using PcieOe.FlashEndpoint.Controller;
using PcieOe.FlashEndpoint.Dma;
using PcieOe.FlashEndpoint.Queues;
using PcieOe.Protocol.Nvme;

namespace PcieOe.FlashEndpoint.Admin;

/// <summary>Creating and deleting I/O queues (NVMe 1.4, sections 5.3 to 5.6).</summary>
internal sealed unsafe class QueueCommands(NvmeController controller)
{
    private const uint PhysicallyContiguousBit = 1 << 0;
    private const uint InterruptsEnabledBit = 1 << 1;
    private const int PageMask = DataPointers.PageBytes - 1;
    private CommandFifo _deletions;

    /// <summary>From AQA, ASQ and ACQ; false: an address lies where no queue may.</summary>
    public bool TryCreateAdminQueues(int submissionEntries, int completionEntries)
    {
        ulong submission = controller.Registers.AdminSubmissionQueue;
        ulong completion = controller.Registers.AdminCompletionQueue;
        if (!TryPlaceSubmission(submission, submissionEntries, out byte* memory) || controller.MemoryBuffer.TryLocate(completion, out _))
        {
            return false;
        }

        controller.Queues.AdminCompletion.Create(completion, completionEntries, interruptsEnabled: true, vector: 0);
        controller.Queues.AdminCompletion.SubmissionQueues = 1;
        controller.Queues.AdminSubmission.Create(controller.Queues.AdminCompletion, submission, memory, submissionEntries);
        return true;
    }

    public NvmeStatus CreateCompletion(Command command)
    {
        int id = (ushort)command.Entry.CommandDword10;
        int vector = (int)(command.Entry.CommandDword11 >> 16);
        if (id == 0 || id > controller.Features.GrantedCompletionQueues || controller.Queues.CompletionSlot(id) is not { Exists: false } queue)
        {
            return NvmeStatus.InvalidQueueIdentifier;
        }

        NvmeStatus status = CheckShape(command, controller.Registers.Configuration.CompletionEntrySizeExponent == 4, out int entries);
        if (status != NvmeStatus.Success)
        {
            return status;
        }

        bool isInterrupting = (command.Entry.CommandDword11 & InterruptsEnabledBit) != 0;
        if (isInterrupting && vector >= controller.Interrupts.VectorCount)
        {
            return NvmeStatus.InvalidInterruptVector;
        }

        if (controller.MemoryBuffer.TryLocate(command.Entry.Prp1, out _))
        {
            return NvmeStatus.InvalidUseOfMemoryBuffer;
        }

        queue.Create(command.Entry.Prp1, entries, isInterrupting, isInterrupting ? vector : 0);
        return NvmeStatus.Success;
    }

    public NvmeStatus CreateSubmission(Command command)
    {
        int id = (ushort)command.Entry.CommandDword10;
        int completionId = (int)(command.Entry.CommandDword11 >> 16);
        if (id == 0 || id > controller.Features.GrantedSubmissionQueues || controller.Queues.SubmissionSlot(id) is not { Exists: false } queue)
        {
            return NvmeStatus.InvalidQueueIdentifier;
        }

        if (completionId == 0 || completionId > controller.Features.GrantedCompletionQueues)
        {
            return NvmeStatus.InvalidQueueIdentifier;
        }

        if (controller.Queues.FindCompletion(completionId) is not { } completions)
        {
            return NvmeStatus.CompletionQueueInvalid;
        }

        NvmeStatus status = CheckShape(command, controller.Registers.Configuration.SubmissionEntrySizeExponent == 6, out int entries);
        if (status != NvmeStatus.Success)
        {
            return status;
        }

        if (!TryPlaceSubmission(command.Entry.Prp1, entries, out byte* memory))
        {
            return NvmeStatus.InvalidUseOfMemoryBuffer;
        }

        queue.Create(completions, command.Entry.Prp1, memory, entries);
        completions.SubmissionQueues++;
        return NvmeStatus.Success;
    }

    public NvmeStatus DeleteCompletion(Command command)
    {
        int id = (ushort)command.Entry.CommandDword10;
        if (id == 0 || controller.Queues.FindCompletion(id) is not { } queue)
        {
            return NvmeStatus.InvalidQueueIdentifier;
        }

        if (queue.SubmissionQueues > 0)
        {
            return NvmeStatus.InvalidQueueDeletion;
        }

        queue.Delete();
        return NvmeStatus.Success;
    }

    /// <summary>
    /// Nothing more is fetched from the queue. Its commands that wait for admission or for the flash are aborted; when the completions of
    /// all its commands are written, the deletion is completed.
    /// </summary>
    public void DeleteSubmission(Command deletion, long now)
    {
        int id = (ushort)deletion.Entry.CommandDword10;
        if (id == 0 || controller.Queues.FindSubmission(id) is not { IsClosing: false } queue)
        {
            controller.Pipeline.Complete(deletion, NvmeStatus.InvalidQueueIdentifier, now);
            return;
        }

        queue.IsClosing = true;
        controller.Queues.UnmarkEntries(id);
        foreach (Command command in controller.Commands.All)
        {
            if (command.Queue == queue && command.State is CommandState.Admission or CommandState.Timed)
            {
                controller.Pipeline.Complete(command, NvmeStatus.AbortedSubmissionQueueDeletion, now);
            }
        }

        deletion.State = CommandState.Parked;
        _deletions.Add(deletion);
        CompleteDeletions(now);
    }

    /// <summary>Completes deletions of queues that have nothing outstanding any more.</summary>
    public void CompleteDeletions(long now)
    {
        CommandFifo waiting = _deletions;
        _deletions.Clear();
        while (waiting.TakeFirst() is { } deletion)
        {
            SubmissionQueue queue = controller.Queues.SubmissionSlot((ushort)deletion.Entry.CommandDword10)!;
            if (queue.Outstanding > 0)
            {
                _deletions.Add(deletion);
                continue;
            }

            queue.Completions.SubmissionQueues--;
            queue.Delete();
            deletion.State = CommandState.Active;
            controller.Pipeline.Complete(deletion, NvmeStatus.Success, now);
        }
    }

    public void Reset() => _deletions.Clear();

    private NvmeStatus CheckShape(Command command, bool isEntrySizeRight, out int entries)
    {
        entries = (int)(command.Entry.CommandDword10 >> 16) + 1;
        if (entries < 2 || entries > controller.Options.MaximumQueueEntries || !isEntrySizeRight)
        {
            return NvmeStatus.InvalidQueueSize;
        }

        if ((command.Entry.CommandDword11 & PhysicallyContiguousBit) == 0)
        {
            return NvmeStatus.InvalidField;
        }

        return (command.Entry.Prp1 & PageMask) != 0 ? NvmeStatus.PrpOffsetInvalid : NvmeStatus.Success;
    }

    // A queue lies in the controller memory buffer as a whole or not at all.
    private bool TryPlaceSubmission(ulong address, int entries, out byte* memory)
    {
        memory = null;
        if (!controller.MemoryBuffer.TryLocate(address, out ulong offset))
        {
            return true;
        }

        memory = controller.MemoryBuffer.Start + offset;
        return offset + (ulong)entries * SubmissionEntry.SizeBytes <= (ulong)controller.MemoryBuffer.LengthBytes;
    }
}
