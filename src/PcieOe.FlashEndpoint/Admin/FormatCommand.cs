using PcieOe.FlashEndpoint.Controller;
using PcieOe.Protocol.Nvme;

namespace PcieOe.FlashEndpoint.Admin;

/// <summary>Format NVM (NVMe 1.4, section 5.23): one namespace or all that are attached. Their ranges are forgotten one after the other.</summary>
internal sealed class FormatCommand(NvmeController controller)
{
    // LBAF 3:0, MSET 4, PI 7:5, PIL 8, SES 11:9 (0 none, 1 user data; erasing keys needs encryption).
    public static NvmeStatus Decode(uint value)
    {
        bool isSupported = (value & 0xF) <= 1 && (value >> 5 & 7) == 0 && (value >> 9 & 7) <= 1 && (value >> 4 & 1) == 0;
        return isSupported ? NvmeStatus.Success : NvmeStatus.InvalidFormat;
    }

    /// <summary>Marks the namespaces that it formats and gives the command the first of them. Anything but success ends it.</summary>
    public NvmeStatus Start(Command command, long now)
    {
        uint id = command.Entry.NamespaceId;
        if (id != SubmissionEntry.AllNamespaces && controller.Namespaces.Find(id) is not { IsAttached: true })
        {
            return NvmeStatus.InvalidNamespaceOrFormat;
        }

        int shift = (command.Entry.CommandDword10 & 0xF) == 0 ? 9 : 12;
        for (Namespace? item = Next(command, 0); item is not null; item = Next(command, item.Id))
        {
            if (item.IsFormatting)
            {
                return NvmeStatus.FormatInProgress;
            }

            if (item.BlockShift != shift && (controller.Options.NamespaceManagement == NamespaceManagement.Off || item.SizeBytes >> shift == 0))
            {
                return NvmeStatus.InvalidFormat;
            }
        }

        for (Namespace? item = Next(command, 0); item is not null; item = Next(command, item.Id))
        {
            item.IsFormatting = true;
            if (item.BlockShift != shift)
            {
                item.BlockShift = shift;
                controller.Admin.OnNamespaceChanged(item.Id, now);
            }
        }

        command.Namespace = Next(command, 0);
        return NvmeStatus.Success;
    }

    /// <summary>The medium has forgotten a namespace's range, or failed to: gives the command the next. After a failure the others are not tried.</summary>
    public void OnRangeEnded(Command command, Namespace target, bool hasFailed)
    {
        for (Namespace? item = target; item is not null; item = hasFailed ? Next(command, item.Id) : null)
        {
            item.IsFormatting = false;
        }

        command.Namespace = Next(command, target.Id);
    }

    private Namespace? Next(Command command, uint after)
    {
        uint id = command.Entry.NamespaceId;
        if (id != SubmissionEntry.AllNamespaces)
        {
            return after < id ? controller.Namespaces.Find(id) : null;
        }

        Namespace? item = controller.Namespaces.NextAfter(after);
        while (item is { IsAttached: false })
        {
            item = controller.Namespaces.NextAfter(item.Id);
        }

        return item;
    }
}
