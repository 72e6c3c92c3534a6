using PcieOe.FlashEndpoint.Controller;
using PcieOe.FlashEndpoint.Dma;
using PcieOe.Protocol.Nvme;

namespace PcieOe.FlashEndpoint.Io;

/// <summary>Checks commands of the NVM command set when they come, and notes what they move and where (NVMe 1.4, section 6).</summary>
internal sealed class IoDecoder(NvmeController controller)
{
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
                return command.Entry.NamespaceId == SubmissionEntry.AllNamespaces ? NvmeStatus.Success : FindNamespace(command);
            case NvmOpcode.DatasetManagement:
                return DecodeDatasetManagement(command);
            default:
                return NvmeStatus.InvalidOpcode;
        }
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
        if (!DatasetRanges.IsWithin(target.SizeBlocks, command.Entry.StartingLba, blocks))
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
            command.DataBytes = DatasetRanges.Count(command) * DatasetManagementRange.SizeBytes;
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
        command.BlockShift = target.BlockShift;
        return target.IsFormatting ? NvmeStatus.FormatInProgress : NvmeStatus.Success;
    }

    /// <summary>
    /// Whether a decoded command may still go to its namespace, which may have been detached, deleted or formatted since: its range may
    /// belong to another by now.
    /// </summary>
    public static NvmeStatus CheckNamespace(Command command) => command.Namespace switch
    {
        null or { IsAttached: true, IsFormatting: false } => NvmeStatus.Success,
        { IsAttached: true } => NvmeStatus.FormatInProgress,
        _ => NvmeStatus.InvalidNamespaceOrFormat,
    };
}
