using PcieOe.FlashEndpoint.Admin;
using PcieOe.FlashEndpoint.Media;
using PcieOe.Protocol.Nvme;

namespace PcieOe.FlashEndpoint.Controller;

/// <summary>
/// Between commands and the medium: starts their requests, hands over in one batch what a call has started, and tells commands of the
/// ends. Commands for which the medium has no room wait in order of arrival.
/// </summary>
internal sealed class MediaQueue(NvmeController controller, IBlockMedia media)
{
    private const int CompletionsPerPoll = 32;

    private readonly MediaCompletion[] _completions = new MediaCompletion[CompletionsPerPoll];
    private const uint ReliabilityEventBit = 1 << 2;
    private const byte ReliabilityEvent = 0;

    private CommandFifo _waiting;
    private bool _isFaultAnnounced;
    private bool _isStarted;

    public bool HasCompletions => media.HasCompletions;

    /// <summary>Starts what <see cref="Command.MediaRequest"/> asks. False: it is pending or waits; the command's part hears of its end.</summary>
    public bool TryRun(Command command, out MediaStatus status)
    {
        if (_waiting.IsEmpty)
        {
            switch (media.Start(in command.MediaRequest, out status))
            {
                case MediaStart.Completed:
                    return true;
                case MediaStart.Pending:
                    command.IsMediaPending = true;
                    _isStarted = true;
                    return false;
            }
        }

        status = MediaStatus.Success;
        _waiting.Add(command);
        return false;
    }

    /// <summary>Hands the medium what has been started.</summary>
    public void Submit()
    {
        if (_isStarted)
        {
            _isStarted = false;
            media.Submit();
        }
    }

    /// <summary>Takes what the medium has answered.</summary>
    public void Poll(long now)
    {
        if (!media.HasCompletions)
        {
            return;
        }

        int count = media.Poll(_completions);
        for (int i = 0; i < count; i++)
        {
            if (_completions[i].Context == ShutdownFlush.Context)
            {
                controller.Admin.OnShutdownFlushed(now);
                AnnounceFault(now);
                continue;
            }

            Command command = controller.Commands.All[(int)_completions[i].Context];
            command.IsMediaPending = false;
            if (command.State == CommandState.Draining)
            {
                controller.Pipeline.Release(command);
            }
            else
            {
                OnDone(command, _completions[i].Status, now);
            }
        }

        if (count > 0)
        {
            StartWaiting(now);
        }
    }

    /// <summary>What a medium's error is to the host; it is counted.</summary>
    public NvmeStatus ToStatus(MediaStatus status, long now)
    {
        controller.Health.MediaErrors++;
        AnnounceFault(now);
        return status switch
        {
            MediaStatus.ReadError => NvmeStatus.UnrecoveredReadError,
            MediaStatus.OutOfSpace => NvmeStatus.CapacityExceeded,
            _ => NvmeStatus.WriteFault,
        };
    }

    /// <summary>Tells the host once, if it wants to know, that the medium cannot be relied on any more.</summary>
    public void AnnounceFault(long now)
    {
        if (media.IsFaulted && !_isFaultAnnounced && (controller.Features.AsynchronousEvents & ReliabilityEventBit) != 0)
        {
            _isFaultAnnounced = true;
            controller.Events.Raise(AsynchronousEventType.SmartHealth, ReliabilityEvent, LogPageId.SmartHealth, now);
        }
    }

    /// <summary>Forgets the commands that wait: a reset.</summary>
    public void Reset()
    {
        _waiting.Clear();
        _isFaultAnnounced = false;
    }

    // Takes each command that waits now once; those for which there is still no room wait again, behind the others.
    private void StartWaiting(long now)
    {
        CommandFifo due = _waiting;
        _waiting.Clear();
        while (due.TakeFirst() is { } command)
        {
            if (TryRun(command, out MediaStatus status))
            {
                OnDone(command, status, now);
            }
        }
    }

    private void OnDone(Command command, MediaStatus status, long now)
    {
        if (command.IsAdmin)
        {
            controller.Admin.OnMediaDone(command, status, now);
        }
        else
        {
            controller.Io.OnMediaDone(command, status, now);
        }
    }
}
