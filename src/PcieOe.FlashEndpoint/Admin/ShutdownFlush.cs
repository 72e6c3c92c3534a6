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
    private bool _isPending;

    public void Start(long now)
    {
        controller.Registers.Status = controller.Registers.Status & ~ControllerStatus.ShutdownMask | ControllerStatus.ShutdownOccurring;
        _mustStart = true;
        OnRound(now);
    }

    /// <summary>Starts the flush if the medium had no room for it before.</summary>
    public void OnRound(long now)
    {
        if (!_mustStart || _isPending)
        {
            return;
        }

        _mustStart = false;
        switch (media.Start(new MediaRequest { Operation = MediaOperation.Flush, Context = Context }, out _))
        {
            case MediaStart.Completed:
                OnFlushed(now);
                break;
            case MediaStart.Pending:
                _isPending = true;
                media.Submit();
                break;
            case MediaStart.Busy:
                _mustStart = true;
                controller.AskForRound();
                break;
        }
    }

    /// <summary>
    /// Also after an error: the host cannot be told, and waits for the end. A shutdown that began after the flush did, behind a reset, has its own.
    /// </summary>
    public void OnFlushed(long now)
    {
        _isPending = false;
        if (_mustStart)
        {
            OnRound(now);
        }
        else if ((controller.Registers.Status & ControllerStatus.ShutdownMask) == ControllerStatus.ShutdownOccurring)
        {
            controller.Registers.Status = controller.Registers.Status & ~ControllerStatus.ShutdownMask | ControllerStatus.ShutdownComplete;
        }
    }
}
