using PcieOe.FlashEndpoint.Dma;
using PcieOe.FlashEndpoint.Media;
using PcieOe.Protocol.Nvme;

namespace PcieOe.FlashEndpoint.Controller;

/// <summary>
/// The controller's state machine (NVMe 1.4, sections 3.1.5, 3.1.6, 7.3 and 7.6): enabling, shutdown, fatal status, resets and the keep
/// alive timer.
/// </summary>
internal sealed class ControllerState(NvmeController controller, IBlockMedia media)
{
    private readonly ControllerRegisters _registers = controller.Registers;
    private bool _isStateLost;

    /// <summary>Counts resets, so that reads and interrupts of before are recognised.</summary>
    public uint Epoch { get; private set; }

    /// <summary>Ready, and not failed.</summary>
    public bool IsRunning => (_registers.Status & (ControllerStatus.ReadyBit | ControllerStatus.FatalBit)) == ControllerStatus.ReadyBit;

    /// <summary>When the host has been silent for too long; <see cref="long.MaxValue"/> without a keep alive timeout.</summary>
    public long KeepAliveDeadline { get; private set; } = long.MaxValue;

    public void OnConfigurationWritten(ControllerConfiguration old, ControllerConfiguration current, long now)
    {
        if (!current.Enabled)
        {
            if (old.Enabled || _isStateLost)
            {
                _isStateLost = false;
                ResetController();
            }
        }
        else if (!old.Enabled && !_isStateLost)
        {
            Enable(now);
        }

        if (current.Shutdown == ShutdownNotification.None)
        {
            _registers.Status &= ~ControllerStatus.ShutdownMask;
        }
        else if (old.Shutdown != current.Shutdown)
        {
            KeepAliveDeadline = long.MaxValue;
            controller.Admin.StartShutdown(now);
        }
    }

    public void OnSubsystemReset(long now)
    {
        Reset(now);
        _registers.Status = ControllerStatus.SubsystemResetOccurredBit;
    }

    /// <summary>Everything to power-on values.</summary>
    public void Reset(long now)
    {
        ResetController();
        _registers.Reset();
        controller.MemoryBuffer.Reset();
        controller.Features.ResetTimestamp(now);
        _isStateLost = false;
    }

    /// <summary>Before <see cref="Reset"/>: it is one that takes the power away.</summary>
    public void OnPowerCycle() => controller.Health.OnPowerCycle(wasShutDown: !_registers.Configuration.Enabled
        || (_registers.Status & ControllerStatus.ShutdownMask) == ControllerStatus.ShutdownComplete);

    /// <summary>After <see cref="Reset"/>: says that what the driver had set up is gone, until it disables the controller.</summary>
    public void SetStateLost()
    {
        _isStateLost = true;
        _registers.Status |= ControllerStatus.FatalBit;
    }

    /// <summary>CFS: nothing more is fetched until the host resets the controller.</summary>
    public void Fail(NvmeStatus reason)
    {
        _registers.Status |= ControllerStatus.FatalBit;
        controller.Errors.Add(new ErrorLogEntry
        {
            SubmissionQueueId = ErrorLog.NoQueue,
            CommandId = 0xFFFF,
            StatusField = CompletionEntry.MakeStatusField(reason, 0, phase: false),
            ParameterErrorLocation = 0xFFFF,
        });
    }

    /// <summary>Restarts the keep alive timer: a Keep Alive command, or a new timeout. It does not run while the controller shuts down (section 7.12).</summary>
    public void RestartKeepAlive(long now)
    {
        bool runs = controller.Features.KeepAliveMilliseconds != 0 && _registers.Configuration.Shutdown == ShutdownNotification.None;
        KeepAliveDeadline = runs ? now + controller.Features.KeepAliveMilliseconds * 1_000_000L : long.MaxValue;
    }

    /// <summary>True: the host has been silent for too long, and the controller has failed.</summary>
    public bool CheckKeepAlive(long now)
    {
        if (now < KeepAliveDeadline)
        {
            return false;
        }

        KeepAliveDeadline = long.MaxValue;
        Fail(NvmeStatus.KeepAliveTimerExpired);
        return true;
    }

    private void Enable(long now)
    {
        ControllerConfiguration configuration = _registers.Configuration;
        int submissionEntries = (int)(_registers.AdminQueueAttributes & 0xFFF) + 1;
        int completionEntries = (int)(_registers.AdminQueueAttributes >> 16 & 0xFFF) + 1;
        if (configuration.CommandSet != 0 || configuration.PageSizeExponent != 0 || configuration.Arbitration != 0
            || submissionEntries < 2 || completionEntries < 2 || !controller.Admin.TryCreateAdminQueues(submissionEntries, completionEntries))
        {
            Fail(NvmeStatus.InternalError);
            return;
        }

        controller.Health.Start(now);
        _registers.Status |= ControllerStatus.ReadyBit;
    }

    // Section 7.3.2: queues and commands are gone, features at their defaults; AQA, ASQ, ACQ and CMBMSC stay.
    private void ResetController()
    {
        Epoch = (Epoch + 1) & TransactionName.GenerationMask;
        controller.ForgetCommands();
        controller.Features.Reset();
        media.IsWriteCacheEnabled = controller.Features.WriteCacheEnabled;
        KeepAliveDeadline = long.MaxValue;
        _registers.ResetController();
    }
}
