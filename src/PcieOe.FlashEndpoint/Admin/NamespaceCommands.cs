using System.Runtime.CompilerServices;
using PcieOe.FlashEndpoint.Controller;
using PcieOe.FlashEndpoint.Dma;
using PcieOe.FlashEndpoint.Media;
using PcieOe.Protocol.Nvme;

namespace PcieOe.FlashEndpoint.Admin;

/// <summary>
/// Namespace Management and Namespace Attachment (NVMe 1.4, sections 5.19 and 5.20), and what a change of namespaces takes of the medium,
/// for <see cref="FormatCommand"/> too.
/// </summary>
internal sealed unsafe class NamespaceCommands(NvmeController controller)
{
    private const int DataBytes = 4096;
    private readonly FormatCommand _format = new(controller);

    public NvmeStatus Decode(Command command)
    {
        uint select = command.Entry.CommandDword10 & 0xF;
        if (!IsManaged && command.AdminOpcode != AdminOpcode.FormatNvm)
        {
            return NvmeStatus.InvalidOpcode;
        }

        switch (command.AdminOpcode)
        {
            case AdminOpcode.NamespaceManagement when select == 0:
            case AdminOpcode.NamespaceAttachment when select is 0 or 1:
                return AdminCommands.Moves(command, TransferDirection.FromHost, DataBytes);
            case AdminOpcode.NamespaceManagement when select == 1:
                return NvmeStatus.Success;
            case AdminOpcode.FormatNvm:
                return FormatCommand.Decode(command.Entry.CommandDword10);
            default:
                return NvmeStatus.InvalidField;
        }
    }

    public void Execute(Command command, long now)
    {
        // Where the table is kept on the medium, it is written out of the command's buffer.
        if (controller.Store is not null && !controller.Data.EnsureBuffer(command))
        {
            return;
        }

        bool isFirst = (command.Entry.CommandDword10 & 0xF) == 0;
        NvmeStatus status = command.AdminOpcode switch
        {
            AdminOpcode.FormatNvm => _format.Start(command, now),
            AdminOpcode.NamespaceAttachment => Attach(command, now),
            _ => isFirst ? Create(command) : Delete(command, now),
        };
        if (status != NvmeStatus.Success)
        {
            controller.Pipeline.Complete(command, status, now);
        }
        else
        {
            Run(command, now);
        }
    }

    public void OnMediaDone(Command command, MediaStatus status, long now)
    {
        OnRequestEnded(command, status, now);
        Run(command, now);
    }

    // The data is a controller list, which can name this controller alone.
    private NvmeStatus Attach(Command command, long now)
    {
        if (controller.Namespaces.Find(command.Entry.NamespaceId) is not { IsNew: false } target)
        {
            return NvmeStatus.InvalidNamespaceOrFormat;
        }

        ushort* list = (ushort*)command.Data;
        if (list[0] != 1 || list[1] != controller.Options.ControllerId)
        {
            return NvmeStatus.ControllerListInvalid;
        }

        bool attaches = (command.Entry.CommandDword10 & 0xF) == 0;
        if (target.IsAttached == attaches)
        {
            return attaches ? NvmeStatus.NamespaceAlreadyAttached : NvmeStatus.NamespaceNotAttached;
        }

        target.IsAttached = attaches;
        controller.Admin.OnNamespaceChanged(target.Id, now);
        return NvmeStatus.Success;
    }

    /// <summary>A reset: formats that were under way are over, and namespaces that were not wiped yet were never there.</summary>
    public void Reset()
    {
        for (Namespace? item = controller.Namespaces.NextAfter(0); item is not null; item = controller.Namespaces.NextAfter(item.Id))
        {
            item.IsFormatting = false;
            if (item.IsNew)
            {
                controller.Namespaces.Delete(item);
            }
        }
    }

    private NvmeStatus Create(Command command)
    {
        ref IdentifyNamespace data = ref Unsafe.AsRef<IdentifyNamespace>(command.Data);
        if ((data.FormattedLbaSize & 0xF) > 1 || data.ProtectionSettings != 0 || (data.FormattedLbaSize & 0x10) != 0)
        {
            return NvmeStatus.InvalidFormat;
        }

        int shift = (data.FormattedLbaSize & 0xF) == 0 ? 9 : 12;
        if (data.SizeBlocks == 0 || data.Sharing != 0)
        {
            return NvmeStatus.InvalidField;
        }

        if (data.CapacityBlocks != data.SizeBlocks)
        {
            return NvmeStatus.ThinProvisioningNotSupported;
        }

        if (controller.Namespaces.FreeId == 0)
        {
            return NvmeStatus.NamespaceIdentifierUnavailable;
        }

        if (data.SizeBlocks > (ulong)controller.Namespaces.CapacityBytes >> shift
            || controller.Namespaces.TryCreate((long)data.SizeBlocks << shift, shift) is not { } created)
        {
            return NvmeStatus.NamespaceInsufficientCapacity;
        }

        command.Namespace = created;
        command.Result = created.Id;
        return NvmeStatus.Success;
    }

    private NvmeStatus Delete(Command command, long now)
    {
        uint id = command.Entry.NamespaceId;
        if (id != SubmissionEntry.AllNamespaces && controller.Namespaces.Find(id) is null)
        {
            return NvmeStatus.InvalidNamespaceOrFormat;
        }

        for (Namespace? item = controller.Namespaces.NextAfter(0); item is not null; item = controller.Namespaces.NextAfter(item.Id))
        {
            if ((id == SubmissionEntry.AllNamespaces || item.Id == id) && (item.IsFormatting || item.IsNew))
            {
                return NvmeStatus.FormatInProgress;
            }
        }

        // Gone at once. Its range is wiped when it is given to another namespace.
        for (Namespace? item = controller.Namespaces.NextAfter(0); item is not null; item = controller.Namespaces.NextAfter(item.Id))
        {
            if (id == SubmissionEntry.AllNamespaces || item.Id == id)
            {
                bool wasAttached = item.IsAttached;
                controller.Namespaces.Delete(item);
                if (wasAttached)
                {
                    controller.Admin.OnNamespaceChanged(item.Id, now);
                }
            }
        }

        return NvmeStatus.Success;
    }

    private bool IsManaged => controller.Options.NamespaceManagement != NamespaceManagement.Off;

    // What the medium has to do: for a namespace just created, and for each one that is formatted, forget its range.
    private void Run(Command command, long now)
    {
        while (command.Namespace is { } target && command.Status == NvmeStatus.Success)
        {
            command.MediaRequest = new MediaRequest
            {
                Operation = MediaOperation.Deallocate,
                Offset = target.OffsetBytes,
                Length = target.SizeBytes,
                Context = (ulong)command.Slot,
            };
            if (!controller.Media.TryRun(command, out MediaStatus status))
            {
                return;
            }

            OnRequestEnded(command, status, now);
        }

        // Then the table is written, once; if that fails, the command fails, and what it changed lasts until a restart only.
        if (controller.Store is not null && command.Status == NvmeStatus.Success && !command.IsTableWritten)
        {
            command.IsTableWritten = true;
            command.MediaRequest = controller.Store.MakeRequest(controller.Namespaces, command.Data, (ulong)command.Slot);
            if (!controller.Media.TryRun(command, out MediaStatus status))
            {
                return;
            }

            OnRequestEnded(command, status, now);
        }

        controller.Pipeline.Finish(command, now);
    }

    private void OnRequestEnded(Command command, MediaStatus status, long now)
    {
        if (status != MediaStatus.Success)
        {
            command.Status = controller.Media.ToStatus(status, now);
        }

        if (command.Namespace is not { } target)
        {
            return;
        }

        if (command.AdminOpcode == AdminOpcode.FormatNvm)
        {
            _format.OnRangeEnded(command, target, hasFailed: status != MediaStatus.Success);
            return;
        }

        command.Namespace = null;
        target.IsNew = false;
        if (command.Status != NvmeStatus.Success)
        {
            controller.Namespaces.Delete(target);
            command.Result = 0;
        }
    }
}
