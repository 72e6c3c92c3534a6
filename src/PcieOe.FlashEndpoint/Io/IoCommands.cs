using PcieOe.FlashEndpoint.Controller;
using PcieOe.FlashEndpoint.Dma;
using PcieOe.FlashEndpoint.Media;
using PcieOe.FlashEndpoint.Timing;
using PcieOe.Protocol.Nvme;

namespace PcieOe.FlashEndpoint.Io;

/// <summary>The NVM command set (NVMe 1.4, section 6): checks commands when they come, and executes them once their data is here.</summary>
internal sealed unsafe class IoCommands(NvmeController controller, IBlockMedia media, IFlashTiming timing)
{
    private const uint ForceUnitAccessBit = 1u << 30;
    private const uint DeallocateBit = 1u << 25;
    private const uint DatasetDeallocateBit = 1u << 2;
    private const uint AllNamespaces = 0xFFFF_FFFF;

    private readonly CommandPipeline _pipeline = controller.Pipeline;
    private readonly MediaQueue _media = controller.Media;

    /// <summary>Checks a command and notes what it moves. Anything but success ends it.</summary>
    public NvmeStatus Decode(Command command)
    {
        if ((command.Entry.Flags & (SubmissionEntry.FusedMask | SubmissionEntry.ReservedFlagsMask)) != 0)
        {
            return NvmeStatus.InvalidField;
        }

        switch (command.NvmOpcode)
        {
            case NvmOpcode.Read:
                return DecodeTransfer(command, TransferDirection.ToHost);
            case NvmOpcode.Write:
            case NvmOpcode.Compare:
                return DecodeTransfer(command, TransferDirection.FromHost);
            case NvmOpcode.Verify:
                NvmeStatus status = DecodeRange(command);
                return status == NvmeStatus.Success && command.MediaBytes > controller.MaximumTransferBytes ? NvmeStatus.InvalidField : status;
            case NvmOpcode.WriteZeroes:
                return DecodeRange(command);
            case NvmOpcode.Flush:
                return command.Entry.NamespaceId == AllNamespaces ? NvmeStatus.Success : FindNamespace(command);
            case NvmOpcode.DatasetManagement:
                return DecodeDatasetManagement(command);
            default:
                return NvmeStatus.InvalidOpcode;
        }
    }

    /// <summary>The command starts. Flash begins a read now, while a list is still being fetched.</summary>
    public void OnStarting(Command command, long now)
    {
        if (command.NvmOpcode is NvmOpcode.Read or NvmOpcode.Verify)
        {
            Schedule(command, FlashOperation.Read, command.MediaOffset, command.MediaBytes, now);
        }
    }

    /// <summary>The command's data, if it sends any, is here.</summary>
    public void Execute(Command command, long now)
    {
        switch (command.NvmOpcode)
        {
            case NvmOpcode.Read or NvmOpcode.Verify when media.IsImmediate:
                command.Origin = DataOrigin.Medium;
                Finish(command, now);
                return;
            case NvmOpcode.Compare:
                Schedule(command, FlashOperation.Read, command.MediaOffset, command.MediaBytes, now);
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
                if (!AreRangesValid(command))
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
        if (Account(command, status))
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

            if (!Account(command, status))
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

        if (command.MediaRequestsDone > 0)
        {
            return false;
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
        if (!WantsDeallocation(command))
        {
            return false;
        }

        Namespace target = command.Namespace!;
        while (command.MediaRequestsDone < RangeCount(command))
        {
            DatasetManagementRange range = Range(command, command.MediaRequestsDone);
            if (range.LengthBlocks != 0)
            {
                long offset = target.OffsetBytes + ((long)range.StartingLba << target.BlockShift);
                long length = (long)range.LengthBlocks << target.BlockShift;
                Schedule(command, FlashOperation.Deallocate, offset, length, now);
                command.MediaRequest = new MediaRequest { Operation = MediaOperation.Deallocate, Offset = offset, Length = length, Context = (ulong)command.Slot };
                return true;
            }

            command.MediaRequestsDone++;
        }

        return false;
    }

    /// <summary>Notes how a request ended; false: the command fails.</summary>
    private bool Account(Command command, MediaStatus status)
    {
        command.MediaRequestsDone++;
        if (status == MediaStatus.Success)
        {
            return true;
        }

        command.Status = _media.ToStatus(status);
        return false;
    }

    private NvmeStatus DecodeTransfer(Command command, TransferDirection direction)
    {
        NvmeStatus status = DecodeRange(command);
        if (status != NvmeStatus.Success)
        {
            return status;
        }

        int limit = controller.MaximumTransferBytes;
        if (command.MediaBytes > limit)
        {
            return NvmeStatus.InvalidField;
        }

        command.Direction = direction;
        command.DataBytes = (int)command.MediaBytes;
        return NvmeStatus.Success;
    }

    private NvmeStatus DecodeRange(Command command)
    {
        NvmeStatus status = FindNamespace(command);
        if (status != NvmeStatus.Success)
        {
            return status;
        }

        Namespace target = command.Namespace!;
        uint blocks = (command.Entry.CommandDword12 & 0xFFFF) + 1;
        if (!IsWithin(target, command.Entry.StartingLba, blocks))
        {
            return NvmeStatus.LbaOutOfRange;
        }

        command.MediaOffset = target.OffsetBytes + ((long)command.Entry.StartingLba << target.BlockShift);
        command.MediaBytes = (long)blocks << target.BlockShift;
        return NvmeStatus.Success;
    }

    private NvmeStatus DecodeDatasetManagement(Command command)
    {
        NvmeStatus status = FindNamespace(command);
        if (status == NvmeStatus.Success)
        {
            command.Direction = TransferDirection.FromHost;
            command.DataBytes = RangeCount(command) * DatasetManagementRange.SizeBytes;
        }

        return status;
    }

    private NvmeStatus FindNamespace(Command command)
    {
        if (controller.Namespaces.Find(command.Entry.NamespaceId) is not { IsAttached: true } target)
        {
            return NvmeStatus.InvalidNamespaceOrFormat;
        }

        command.Namespace = target;
        return target.IsFormatting ? NvmeStatus.FormatInProgress : NvmeStatus.Success;
    }

    private static bool IsWithin(Namespace target, ulong startingLba, uint blocks) =>
        startingLba < target.SizeBlocks && blocks <= target.SizeBlocks - startingLba;

    private static bool AreRangesValid(Command command)
    {
        for (int i = 0; i < RangeCount(command); i++)
        {
            DatasetManagementRange range = Range(command, i);
            if (range.LengthBlocks != 0 && !IsWithin(command.Namespace!, range.StartingLba, range.LengthBlocks))
            {
                return false;
            }
        }

        return true;
    }

    private static int RangeCount(Command command) => (int)(command.Entry.CommandDword10 & 0xFF) + 1;

    private static bool WantsDeallocation(Command command) => (command.Entry.CommandDword11 & DatasetDeallocateBit) != 0;

    private static DatasetManagementRange Range(Command command, int index) => ((DatasetManagementRange*)command.Data)[index];

    private static bool IsForced(Command command) =>
        command.NvmOpcode is NvmOpcode.Write or NvmOpcode.WriteZeroes && (command.Entry.CommandDword12 & ForceUnitAccessBit) != 0;

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
