using PcieOe.FlashEndpoint.Controller;
using PcieOe.FlashEndpoint.Media;
using PcieOe.FlashEndpoint.Timing;
using PcieOe.Protocol.Nvme;

namespace PcieOe.FlashEndpoint.Io;

/// <summary>The NVM command set (NVMe 1.4, section 6): executes commands once their data is here.</summary>
internal sealed unsafe class IoCommands(NvmeController controller, IBlockMedia media, IFlashTiming timing)
{
    private const uint ForceUnitAccessBit = 1u << 30;
    private const uint DeallocateBit = 1u << 25;

    private readonly CommandPipeline _pipeline = controller.Pipeline;
    private readonly MediaQueue _media = controller.Media;

    /// <summary>The command starts. Flash begins a read now, while a list is still being fetched.</summary>
    public void OnStarting(Command command, long now)
    {
        if (command.NvmOpcode is NvmOpcode.Read or NvmOpcode.Verify)
        {
            ScheduleRead(command, now);
        }
    }

    /// <summary>The command's data, if it sends any, is here.</summary>
    public void Execute(Command command, long now)
    {
        NvmeStatus status = IoDecoder.CheckNamespace(command);
        if (status != NvmeStatus.Success)
        {
            _pipeline.Complete(command, status, now);
            return;
        }

        switch (command.NvmOpcode)
        {
            case NvmOpcode.Read or NvmOpcode.Verify when media.IsImmediate:
                command.Origin = DataOrigin.Medium;
                media.Prefetch(command.MediaOffset, command.MediaBytes);
                Finish(command, now);
                return;
            case NvmOpcode.Compare:
                ScheduleRead(command, now);
                break;
            case NvmOpcode.Write:
                bool isThrough = IsForced(command) || !controller.Features.WriteCacheEnabled;
                Schedule(command, isThrough ? FlashOperation.WriteThrough : FlashOperation.Write, command.MediaOffset, command.MediaBytes, now);
                break;
            case NvmOpcode.WriteZeroes:
                Schedule(command, FlashOperation.Deallocate, command.MediaOffset, command.MediaBytes, now);
                break;
            case NvmOpcode.Flush:
                Schedule(command, FlashOperation.Flush, 0, 0, now);
                break;
            case NvmOpcode.DatasetManagement:
                if (!DatasetRanges.AreValid(command))
                {
                    _pipeline.Complete(command, NvmeStatus.LbaOutOfRange, now);
                    return;
                }

                break;
        }

        if (command.NvmOpcode is NvmOpcode.Read or NvmOpcode.Verify && !controller.Data.EnsureBuffer(command))
        {
            return;
        }

        RunMedia(command, now);
    }

    /// <summary>A request to the medium that was pending has ended.</summary>
    public void OnMediaDone(Command command, MediaStatus status, long now)
    {
        if (Account(command, status, now))
        {
            RunMedia(command, now);
        }
        else
        {
            Finish(command, now);
        }
    }

    private void RunMedia(Command command, long now)
    {
        while (TryNextRequest(command, now))
        {
            if (!_media.TryRun(command, out MediaStatus status))
            {
                return;
            }

            if (!Account(command, status, now))
            {
                break;
            }
        }

        Finish(command, now);
    }

    private void Finish(Command command, long now)
    {
        if (command.Status == NvmeStatus.Success)
        {
            if (command.NvmOpcode == NvmOpcode.Compare && !IsEqual(command))
            {
                command.Status = NvmeStatus.CompareFailure;
            }

            controller.Health.Count(command.NvmOpcode, command.MediaBytes);
        }

        _pipeline.Finish(command, now);
    }

    /// <summary>Makes the next request to the medium; false: there is none left.</summary>
    private bool TryNextRequest(Command command, long now)
    {
        if (command.NvmOpcode == NvmOpcode.DatasetManagement)
        {
            return TryNextRange(command, now);
        }

        bool commits = CommitsFirst(command);
        if (command.MediaRequestsDone > (commits ? 1 : 0))
        {
            return false;
        }

        if (commits && command.MediaRequestsDone == 0)
        {
            command.MediaRequest = new MediaRequest { Operation = MediaOperation.Flush, Context = (ulong)command.Slot };
            return true;
        }

        command.MediaRequest = new MediaRequest
        {
            Operation = command.NvmOpcode switch
            {
                NvmOpcode.Write => MediaOperation.Write,
                NvmOpcode.Flush => MediaOperation.Flush,
                NvmOpcode.WriteZeroes => (command.Entry.CommandDword12 & DeallocateBit) != 0 ? MediaOperation.Deallocate : MediaOperation.WriteZeroes,
                _ => MediaOperation.Read,
            },
            ForceUnitAccess = IsForced(command),
            Offset = command.MediaOffset,
            Length = command.MediaBytes,
            Data = command.NvmOpcode == NvmOpcode.Compare ? MediaCopy(command) : command.Data,
            Context = (ulong)command.Slot,
        };
        return true;
    }

    private bool TryNextRange(Command command, long now)
    {
        if (!DatasetRanges.WantsDeallocation(command))
        {
            return false;
        }

        Namespace target = command.Namespace!;
        while (command.MediaRequestsDone < DatasetRanges.Count(command))
        {
            command.Status = IoDecoder.CheckNamespace(command);
            if (command.Status != NvmeStatus.Success)
            {
                return false;
            }

            DatasetManagementRange range = DatasetRanges.At(command, command.MediaRequestsDone);
            if (range.LengthBlocks != 0)
            {
                long offset = target.OffsetBytes + ((long)range.StartingLba << command.BlockShift);
                long length = (long)range.LengthBlocks << command.BlockShift;
                Schedule(command, FlashOperation.Deallocate, offset, length, now);
                command.MediaRequest = new MediaRequest { Operation = MediaOperation.Deallocate, Offset = offset, Length = length, Context = (ulong)command.Slot };
                return true;
            }

            command.MediaRequestsDone++;
        }

        return false;
    }

    /// <summary>Notes how a request ended; false: the command fails.</summary>
    private bool Account(Command command, MediaStatus status, long now)
    {
        command.MediaRequestsDone++;
        if (status == MediaStatus.Success)
        {
            return true;
        }

        command.Status = _media.ToStatus(status, now);
        return false;
    }

    private static bool IsForced(Command command) =>
        command.NvmOpcode is NvmOpcode.Write or NvmOpcode.WriteZeroes && (command.Entry.CommandDword12 & ForceUnitAccessBit) != 0;

    // FUA of what reads (section 6.9): what the blocks hold is made durable before it is read.
    private bool CommitsFirst(Command command) => (command.Entry.CommandDword12 & ForceUnitAccessBit) != 0
        && command.NvmOpcode is NvmOpcode.Read or NvmOpcode.Compare or NvmOpcode.Verify && media.HasVolatileWriteCache && controller.Features.WriteCacheEnabled;

    private void ScheduleRead(Command command, long now)
    {
        if (CommitsFirst(command))
        {
            Schedule(command, FlashOperation.Flush, 0, 0, now);
        }

        Schedule(command, FlashOperation.Read, command.MediaOffset, command.MediaBytes, now);
    }

    private void Schedule(Command command, FlashOperation operation, long offset, long bytes, long now)
    {
        timing.Schedule(operation, offset, bytes, now, out FlashTimes times);
        if (times.DoneNanoseconds >= command.ReadyNanoseconds)
        {
            command.ReadyNanoseconds = times.DoneNanoseconds;
            command.FlashTimes = times;
        }
    }

    // The medium's data of a compare, behind the host's in the same buffer (which is twice as long as a transfer).
    private byte* MediaCopy(Command command) => command.Data + controller.MaximumTransferBytes;

    private bool IsEqual(Command command) =>
        new ReadOnlySpan<byte>(command.Data, command.DataBytes).SequenceEqual(new ReadOnlySpan<byte>(MediaCopy(command), command.DataBytes));
}
