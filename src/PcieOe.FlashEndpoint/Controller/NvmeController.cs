using PcieOe.FlashEndpoint.Admin;
using PcieOe.FlashEndpoint.Dma;
using PcieOe.FlashEndpoint.Io;
using PcieOe.FlashEndpoint.Media;
using PcieOe.FlashEndpoint.Pcie;
using PcieOe.FlashEndpoint.Queues;
using PcieOe.FlashEndpoint.Timing;
using PcieOe.Protocol.Functions;
using PcieOe.Protocol.Nvme;

namespace PcieOe.FlashEndpoint.Controller;

/// <summary>
/// An NVMe controller behind its registers, doorbells and DMA: ties its parts together and holds its state machine (CC, CSTS, resets,
/// shutdown). It knows nothing of BARs and configuration space, and has no thread and no clock.
/// </summary>
internal sealed class NvmeController : IDisposable
{
    private const int AdminCommands = AsynchronousEvents.MaximumRequests + 16;
    private readonly IBlockMedia _media;
    private readonly StagingBuffers _buffers;
    private readonly CompletionWriter _writer;
    private IFunctionHost? _host;
    private bool _isStateLost;
    private bool _needsRound;
    private long _keepAliveDeadline = long.MaxValue;

    public NvmeController(NvmeOptions options, ControllerCapabilities capabilities, IBlockMedia media, IFlashTiming timing, MsixTable msix)
    {
        Options = options;
        _media = media;
        MaximumTransferBytes = options.MaximumTransferBytes;
        Registers = new ControllerRegisters(this, capabilities);
        MemoryBuffer = new MemoryBuffer(options.MemoryBufferBytes);
        Queues = new QueueSet(options.IoQueuePairs);
        Commands = new CommandTable(options.MaximumOutstandingCommands, AdminCommands, Queues.AdminSubmission);
        Features = new FeatureStore(msix.Count, media.IsWriteCacheEnabled);
        Namespaces = new NamespaceTable(options, media.CapacityBytes);
        Store = options.NamespaceManagement == NamespaceManagement.Persistent ? new NamespaceStore(media) : null;
        if (Store is null || !Store.TryLoad(Namespaces))
        {
            Namespaces.Configure(options.Namespaces);
        }


        // Twice the largest transfer, for a compare; what is not used is never touched.
        _buffers = new StagingBuffers(options.StagingBuffers, 2L * MaximumTransferBytes);
        Pipeline = new CommandPipeline(this, _buffers, media);
        DataPointers = new DataPointers(this);
        HostData = new HostDataReader(this, media.IsImmediate);
        Fetcher = new EntryFetcher(this);
        Interrupts = new InterruptSender(this, msix);
        Events = new AsynchronousEvents(this);
        Admin = new AdminCommands(this, media);
        Io = new IoCommands(this, media, timing);
        _writer = new CompletionWriter(this, media);
    }

    public NvmeOptions Options { get; }
    public ControllerRegisters Registers { get; }
    public MemoryBuffer MemoryBuffer { get; }
    public QueueSet Queues { get; }
    public CommandTable Commands { get; }
    public FeatureStore Features { get; }
    public NamespaceTable Namespaces { get; }
    public NamespaceStore? Store { get; }
    public CommandPipeline Pipeline { get; }
    public DataPointers DataPointers { get; }
    public HostDataReader HostData { get; }
    public EntryFetcher Fetcher { get; }
    public InterruptSender Interrupts { get; }
    public AsynchronousEvents Events { get; }
    public AdminCommands Admin { get; }
    public IoCommands Io { get; }
    public ErrorLog Errors { get; } = new();
    public HealthCounters Health { get; } = new();
    public int MaximumTransferBytes { get; }

    public IFunctionHost Host
    {
        get => _host ?? throw new InvalidOperationException("The function is not attached to a host.");
        set => _host = value;
    }

    /// <summary>Counts resets, so that reads and interrupts of before are recognised.</summary>
    public uint Epoch { get; private set; }

    /// <summary>Whether the function may read and write host memory.</summary>
    public bool IsBusMaster { get; private set; }

    /// <summary>Ready, not failed, and not shutting down.</summary>
    public bool IsRunning => (Registers.Status & (ControllerStatus.ReadyBit | ControllerStatus.FatalBit)) == ControllerStatus.ReadyBit;

    public long NextDeadline => _needsRound ? long.MinValue
        : Math.Min(Pipeline.NextDeadline, Math.Min(Interrupts.NextDeadline, _keepAliveDeadline));

    public bool NeedsPolling => _media.HasCompletions;

    /// <summary>There is more to do than one call allows: the next round goes on.</summary>
    public void AskForRound() => _needsRound = true;

    /// <summary>A doorbell was written (section 3.1.24 and 3.1.25).</summary>
    /// <param name="index">Even ones are submission tails, odd ones completion heads.</param>
    public void OnDoorbell(int index, uint value, long now)
    {
        if (!IsRunning)
        {
            return;
        }

        int id = index >> 1;
        bool isValid;
        if ((index & 1) == 0)
        {
            if (Queues.FindSubmission(id) is not { } queue)
            {
                OnInvalidDoorbell(0, now);
                return;
            }

            isValid = queue.TrySetTail(value, now, Host.CurrentOrigin);
            if (queue.HasEntries)
            {
                Queues.MarkEntries(id);
            }
        }
        else
        {
            if (Queues.FindCompletion(id) is not { } queue)
            {
                OnInvalidDoorbell(0, now);
                return;
            }

            isValid = queue.TrySetHead(value);
            if (id == 0)
            {
                Events.Deliver(now);
            }
        }

        if (!isValid)
        {
            OnInvalidDoorbell(1, now);
        }

        EndOfCall(now);
    }

    public void OnConfigurationWritten(ControllerConfiguration old, ControllerConfiguration current, long now)
    {
        if (!current.Enabled)
        {
            if (old.Enabled || _isStateLost)
            {
                _isStateLost = false;
                ResetController(now);
            }
        }
        else if (!old.Enabled && !_isStateLost)
        {
            Enable(now);
        }

        if (current.Shutdown == ShutdownNotification.None)
        {
            Registers.Status &= ~ControllerStatus.ShutdownMask;
        }
        else if (old.Shutdown != current.Shutdown)
        {
            Admin.StartShutdown(now);
        }
    }

    public void OnSubsystemReset(long now)
    {
        Reset(now);
        Registers.Status = ControllerStatus.SubsystemResetOccurredBit;
    }

    /// <summary>Everything to power-on values.</summary>
    public void Reset(long now)
    {
        ResetController(now);
        Registers.Reset();
        MemoryBuffer.Reset();
        Features.ResetTimestamp(now);
        _isStateLost = false;
    }

    /// <summary>Before <see cref="Reset"/>: it is one that takes the power away.</summary>
    public void OnPowerCycle() => Health.OnPowerCycle(wasShutDown: !Registers.Configuration.Enabled
        || (Registers.Status & ControllerStatus.ShutdownMask) == ControllerStatus.ShutdownComplete);

    /// <summary>After <see cref="Reset"/>: says that what the driver had set up is gone, until it disables the controller (DESIGN D8).</summary>
    public void SetStateLost()
    {
        _isStateLost = true;
        Registers.Status |= ControllerStatus.FatalBit;
    }

    /// <summary>CFS: nothing more is fetched until the host resets the controller.</summary>
    public void Fail()
    {
        Registers.Status |= ControllerStatus.FatalBit;
        Errors.Add(new ErrorLogEntry
        {
            SubmissionQueueId = ErrorLog.NoQueue,
            CommandId = 0xFFFF,
            StatusField = CompletionEntry.MakeStatusField(NvmeStatus.InternalError, 0, phase: false),
            ParameterErrorLocation = 0xFFFF,
        });
    }

    public void SetBusMaster(bool allowed, long now)
    {
        if (IsBusMaster == allowed)
        {
            return;
        }

        IsBusMaster = allowed;
        if (!allowed)
        {
            return;
        }

        foreach (Command command in Commands.All)
        {
            if (command.State == CommandState.Blocked)
            {
                Pipeline.MakeReady(command, command.ReadyNanoseconds);
            }
        }

        Interrupts.OnUnmasked(now);
        EndOfCall(now);
    }

    public void OnReadData(TransactionName name, int offset, ReadOnlySpan<byte> data)
    {
        if (name.Kind != TransactionKind.EntryFetch)
        {
            Pipeline.OnData(name, offset, data);
        }
        else if (name.Generation == Epoch)
        {
            Fetcher.OnData(name, offset, data);
        }
    }

    public void OnReadCompleted(TransactionName name, DmaReadStatus status, long now)
    {
        if (name.Kind != TransactionKind.EntryFetch)
        {
            Pipeline.OnReadCompleted(name, status, now);
        }
        else if (name.Generation == Epoch)
        {
            Fetcher.OnCompleted(name, status, now);
        }

        EndOfCall(now);
    }

    public void OnReadRoom(long now)
    {
        Fetcher.OnReadRoom();
        Pipeline.OnReadRoom(now);
        EndOfCall(now);
    }

    public bool OnAdmitted(TransactionName name, long deadline, long now)
    {
        bool starts = Commands.Find(name) is { } command && Pipeline.OnAdmitted(command, deadline, now);
        EndOfCall(now);
        return starts;
    }

    public MaterializeResult Materialize(TransactionName name, IDmaWriter writer, long now)
    {
        if (name.Kind == TransactionKind.Interrupt)
        {
            return name.Generation == Epoch ? Interrupts.Materialize(name.Index, writer) : MaterializeResult.Completed;
        }

        if (Commands.Find(name) is not { State: CommandState.Ready } command)
        {
            return MaterializeResult.Completed;
        }

        if (!IsBusMaster)
        {
            command.State = CommandState.Blocked;
            return MaterializeResult.Blocked;
        }

        MaterializeResult result = _writer.Materialize(command, writer, now);
        if (result == MaterializeResult.Completed)
        {
            SubmissionQueue queue = command.Queue;
            Pipeline.Release(command);
            if (queue.IsClosing && queue.Outstanding == 0 || Queues.HasEntries || Pipeline.HasBufferForWaiting)
            {
                _needsRound = true;
            }
        }

        return result;
    }

    public void OnTimer(long now)
    {
        _needsRound = false;
        if (now >= _keepAliveDeadline)
        {
            _keepAliveDeadline = long.MaxValue;
            Fail();
            return;
        }

        Pipeline.PollMedia(now);
        Pipeline.RunTimed(now);
        Interrupts.OnTimer(now);
        Admin.OnRound(now);
        EndOfCall(now);
    }

    /// <summary>Restarts the keep alive timer: a Keep Alive command, or a new timeout.</summary>
    public void RestartKeepAlive(long now) => _keepAliveDeadline =
        Features.KeepAliveMilliseconds == 0 ? long.MaxValue : now + Features.KeepAliveMilliseconds * 1_000_000L;

    public void OnCommandFailed(Command command) => Errors.Add(command);

    /// <summary>What a medium's error is to the host.</summary>
    public NvmeStatus ToStatus(MediaStatus status)
    {
        Health.MediaErrors++;
        return status switch
        {
            MediaStatus.ReadError => NvmeStatus.UnrecoveredReadError,
            MediaStatus.OutOfSpace => NvmeStatus.CapacityExceeded,
            _ => NvmeStatus.WriteFault,
        };
    }

    public void Dispose()
    {
        MemoryBuffer.Dispose();
        Queues.Dispose();
        Commands.Dispose();
        _buffers.Dispose();
    }

    // Every call from outside ends here: take entries that there is room for now, then hand media their batch.
    private void EndOfCall(long now)
    {
        Fetcher.Run(now);
        Pipeline.EndOfCall(now);
    }

    private void Enable(long now)
    {
        ControllerConfiguration configuration = Registers.Configuration;
        int submissionEntries = (int)(Registers.AdminQueueAttributes & 0xFFF) + 1;
        int completionEntries = (int)(Registers.AdminQueueAttributes >> 16 & 0xFFF) + 1;
        if (configuration.CommandSet != 0 || configuration.PageSizeExponent != 0 || configuration.Arbitration != 0
            || submissionEntries < 2 || completionEntries < 2 || !Admin.TryCreateAdminQueues(submissionEntries, completionEntries))
        {
            Fail();
            return;
        }

        Health.Start(now);
        Registers.Status |= ControllerStatus.ReadyBit;
    }

    // Section 7.3.2: queues and commands are gone, features at their defaults; AQA, ASQ, ACQ and CMBMSC stay.
    private void ResetController(long now)
    {
        Epoch = (Epoch + 1) & TransactionName.GenerationMask;
        Queues.DeleteAll();
        Pipeline.Reset();
        Fetcher.Reset();
        Events.Reset();
        Admin.Reset();
        Interrupts.Reset();
        Features.Reset();
        _media.IsWriteCacheEnabled = Features.WriteCacheEnabled;
        _keepAliveDeadline = long.MaxValue;
        _needsRound = false;
        Registers.ResetController();
    }

    private void OnInvalidDoorbell(byte information, long now)
    {
        Errors.Add(new ErrorLogEntry
        {
            SubmissionQueueId = ErrorLog.NoQueue,
            CommandId = 0xFFFF,
            ParameterErrorLocation = 0xFFFF,
        });
        Events.Raise(AsynchronousEventType.ErrorStatus, information, LogPageId.ErrorInformation, now);
    }
}
