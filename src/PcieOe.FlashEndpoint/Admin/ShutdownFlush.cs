using PcieOe.FlashEndpoint.Controller;
using PcieOe.FlashEndpoint.Media;
using PcieOe.Protocol.Nvme;

namespace PcieOe.FlashEndpoint.Admin;

/// <summary>Shutdown (NVMe 1.4, section 7.6.2): what was written is made durable, then CSTS.SHST says so.</summary>
internal sealed class ShutdownFlush(NvmeController controller, IBlockMedia media)
{
    /// <summary>In the place of a command's slot.</summary>
    public const ulong Context = ulong.MaxValue;

    private bool _mustStart;

    public void Start(long now)
    {
        controller.Registers.Status = controller.Registers.Status & ~ControllerStatus.ShutdownMask | ControllerStatus.ShutdownOccurring;
        _mustStart = true;
        OnRound(now);
    }

    /// <summary>Starts the flush if the medium had no room for it before.</summary>
    public void OnRound(long now)
    {
        if (!_mustStart)
        {
            return;
        }

        switch (media.Start(new MediaRequest { Operation = MediaOperation.Flush, Context = Context }, out _))
        {
            case MediaStart.Completed:
                _mustStart = false;
                OnFlushed();
                break;
            case MediaStart.Pending:
                _mustStart = false;
                media.Submit();
                break;
            case MediaStart.Busy:
                controller.AskForRound();
                break;
        }
    }

    /// <summary>Also after an error: the host cannot be told, and waits for the end.</summary>
    public void OnFlushed()
    {
        if ((controller.Registers.Status & ControllerStatus.ShutdownMask) == ControllerStatus.ShutdownOccurring)
        {
            controller.Registers.Status = controller.Registers.Status & ~ControllerStatus.ShutdownMask | ControllerStatus.ShutdownComplete;
        }
    }
}
