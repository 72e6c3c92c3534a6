using PcieOe.FlashEndpoint.Controller;
using PcieOe.FlashEndpoint.Dma;
using PcieOe.FlashEndpoint.Media;
using PcieOe.Protocol.Nvme;

namespace PcieOe.FlashEndpoint.Admin;

/// <summary>The admin command set (NVMe 1.4, section 5): tells commands apart and hands them to the part that knows them.</summary>
internal sealed class AdminCommands
{
    private const byte AttributesChangedEvent = 0;
    private const uint AttributesChangedEventBit = 1 << 8;

    private readonly NvmeController _controller;
    private readonly QueueCommands _queues;
    private readonly IdentifyCommand _identify;
    private readonly FeatureCommands _features;
    private readonly LogPageCommand _logPages;
    private readonly NamespaceCommands _namespaces;
    private readonly ShutdownFlush _shutdown;

    public AdminCommands(NvmeController controller, IBlockMedia media)
    {
        _controller = controller;
        _queues = new QueueCommands(controller);
        _identify = new IdentifyCommand(controller, media);
        _features = new FeatureCommands(controller, media);
        _logPages = new LogPageCommand(controller, media);
        _namespaces = new NamespaceCommands(controller);
        _shutdown = new ShutdownFlush(controller, media);
    }

    /// <summary>For the log page.</summary>
    public ChangedNamespaces ChangedNamespaces { get; } = new();

    /// <summary>An entry has been taken out of the admin queue.</summary>
    public void Begin(Command command, long now)
    {
        NvmeStatus status = (command.Entry.Flags & (SubmissionEntry.FusedMask | SubmissionEntry.ReservedFlagsMask)) != 0
            ? NvmeStatus.InvalidField
            : Decode(command);
        if (status != NvmeStatus.Success)
        {
            _controller.Pipeline.Complete(command, status, now);
        }
        else
        {
            _controller.Data.Begin(command, now);
        }
    }

    /// <summary>The data pointer is known, and data that comes from the host is here.</summary>
    public void Execute(Command command, long now)
    {
        if (command.Direction == TransferDirection.ToHost && !_controller.Data.EnsureBuffer(command))
        {
            return;
        }

        switch (command.AdminOpcode)
        {
            case AdminOpcode.AsynchronousEventRequest:
                if (!_controller.Events.TryPark(command, now))
                {
                    _controller.Pipeline.Complete(command, NvmeStatus.AsynchronousEventRequestLimitExceeded, now);
                }

                return;
            case AdminOpcode.DeleteSubmissionQueue:
                _queues.DeleteSubmission(command, now);
                return;
            case AdminOpcode.NamespaceManagement:
            case AdminOpcode.NamespaceAttachment:
            case AdminOpcode.FormatNvm:
                _namespaces.Execute(command, now);
                return;
        }

        NvmeStatus status = command.AdminOpcode switch
        {
            AdminOpcode.CreateCompletionQueue => _queues.CreateCompletion(command),
            AdminOpcode.CreateSubmissionQueue => _queues.CreateSubmission(command),
            AdminOpcode.DeleteCompletionQueue => _queues.DeleteCompletion(command),
            AdminOpcode.Identify => _identify.Execute(command),
            AdminOpcode.GetLogPage => _logPages.Execute(command, now),
            AdminOpcode.SetFeatures => _features.Set(command, now),
            AdminOpcode.GetFeatures => _features.Get(command, now),
            AdminOpcode.Abort => Abort(command, now),
            AdminOpcode.KeepAlive => KeepAlive(now),
            _ => NvmeStatus.InvalidOpcode,
        };
        _controller.Pipeline.Complete(command, status, now);
    }

    public void OnMediaDone(Command command, MediaStatus status, long now) => _namespaces.OnMediaDone(command, status, now);

    /// <summary>A namespace has come, gone or got another format: noted for the log page, and told where the host wants to hear of it.</summary>
    public void OnNamespaceChanged(uint id, long now)
    {
        ChangedNamespaces.Add(id);
        if ((_controller.Features.AsynchronousEvents & AttributesChangedEventBit) != 0)
        {
            _controller.Events.Raise(AsynchronousEventType.Notice, AttributesChangedEvent, LogPageId.ChangedNamespaces, now);
        }
    }

    /// <summary>The shutdown's flush, which belongs to no command, has ended.</summary>
    public void OnShutdownFlushed(long now) => _shutdown.OnFlushed(now);

    public void StartShutdown(long now) => _shutdown.Start(now);

    /// <summary>Work that waited for other commands to end.</summary>
    public void OnRound(long now)
    {
        _queues.CompleteDeletions(now);
        _shutdown.OnRound(now);
    }

    public bool TryCreateAdminQueues(int submissionEntries, int completionEntries) => _queues.TryCreateAdminQueues(submissionEntries, completionEntries);

    public void Reset()
    {
        _queues.Reset();
        _namespaces.Reset();
    }

    private NvmeStatus Decode(Command command)
    {
        switch (command.AdminOpcode)
        {
            case AdminOpcode.Identify:
                return Moves(command, TransferDirection.ToHost, IdentifyController.SizeBytes);
            case AdminOpcode.GetLogPage:
                return _logPages.Decode(command);
            case AdminOpcode.SetFeatures:
                return _features.DecodeSet(command);
            case AdminOpcode.GetFeatures:
                return _features.DecodeGet(command);
            case AdminOpcode.NamespaceManagement:
            case AdminOpcode.NamespaceAttachment:
            case AdminOpcode.FormatNvm:
                return _namespaces.Decode(command);
            case AdminOpcode.CreateCompletionQueue:
            case AdminOpcode.CreateSubmissionQueue:
            case AdminOpcode.DeleteCompletionQueue:
            case AdminOpcode.DeleteSubmissionQueue:
            case AdminOpcode.Abort:
            case AdminOpcode.AsynchronousEventRequest:
            case AdminOpcode.KeepAlive:
                return NvmeStatus.Success;
            default:
                return NvmeStatus.InvalidOpcode;
        }
    }

    /// <summary>Notes that a command moves data.</summary>
    public static NvmeStatus Moves(Command command, TransferDirection direction, int bytes)
    {
        command.Direction = direction;
        command.DataBytes = bytes;
        return NvmeStatus.Success;
    }

    // Section 5.1. Commands that wait for admission, for the flash, or for an event can be aborted; others end soon by themselves.
    private NvmeStatus Abort(Command abort, long now)
    {
        ushort queueId = (ushort)abort.Entry.CommandDword10;
        ushort commandId = (ushort)(abort.Entry.CommandDword10 >> 16);
        abort.Result = 1;
        if (_controller.Queues.FindSubmission(queueId) is not { } queue)
        {
            return NvmeStatus.InvalidField;
        }

        foreach (Command command in _controller.Commands.All)
        {
            if (command.State != CommandState.Free && command.Queue == queue && command.Entry.CommandId == commandId && command != abort)
            {
                bool canEnd = command.State is CommandState.Admission or CommandState.Timed
                    || command.State == CommandState.Parked && _controller.Events.TryUnpark(command);
                if (canEnd)
                {
                    // Its completion has to be there before the abort's is: it leaves as urgently, and comes first.
                    abort.Result = 0;
                    command.DeadlineNanoseconds = now;
                    _controller.Pipeline.Complete(command, NvmeStatus.AbortRequested, now);
                }

                break;
            }
        }

        return NvmeStatus.Success;
    }

    private NvmeStatus KeepAlive(long now)
    {
        _controller.State.RestartKeepAlive(now);
        return NvmeStatus.Success;
    }
}
