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
/// An NVMe controller behind its registers, doorbells and DMA: its parts, and where the calls from outside go. It knows nothing of BARs
/// and configuration space, and has no thread and no clock.
/// </summary>
internal sealed class NvmeController : IDisposable
{
    private const int AdminCommands = AsynchronousEvents.MaximumRequests + 16;
    private readonly StagingBuffers _buffers;
    private readonly CompletionWriter _writer;
    private IFunctionHost? _host;
    private bool _needsRound;

    public NvmeController(NvmeOptions options, ControllerCapabilities capabilities, IBlockMedia media, IFlashTiming timing, MsixTable msix)
    {
        Options = options;
        MaximumTransferBytes = options.MaximumTransferBytes;
        Registers = new ControllerRegisters(this, capabilities);
        State = new ControllerState(this, media);
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
        Pipeline = new CommandPipeline(this);
        Data = new DataMover(this, _buffers, new DataPointers(this), new HostDataReader(this, media.IsImmediate));
        Media = new MediaQueue(this, media);
        Doorbells = new DoorbellReceiver(this);
        Fetcher = new EntryFetcher(this);
        Interrupts = new InterruptSender(this, msix);
        Events = new AsynchronousEvents(this);
        Admin = new AdminCommands(this, media);
        IoDecoder = new IoDecoder(this);
        Io = new IoCommands(this, media, timing);
        _writer = new CompletionWriter(this, media);
    }

    public NvmeOptions Options { get; }
    public ControllerRegisters Registers { get; }
    public ControllerState State { get; }
    public MemoryBuffer MemoryBuffer { get; }
    public QueueSet Queues { get; }
    public CommandTable Commands { get; }
    public FeatureStore Features { get; }
    public NamespaceTable Namespaces { get; }
    public NamespaceStore? Store { get; }
    public CommandPipeline Pipeline { get; }
    public DataMover Data { get; }
    public MediaQueue Media { get; }
    public DoorbellReceiver Doorbells { get; }
    public EntryFetcher Fetcher { get; }
    public InterruptSender Interrupts { get; }
    public AsynchronousEvents Events { get; }
    public AdminCommands Admin { get; }
    public IoDecoder IoDecoder { get; }
    public IoCommands Io { get; }
    public ErrorLog Errors { get; } = new();
    public HealthCounters Health { get; } = new();
    public int MaximumTransferBytes { get; }

    public IFunctionHost Host
    {
        get => _host ?? throw new InvalidOperationException("The function is not attached to a host.");
        set => _host = value;
    }

    /// <summary>Whether the function may read and write host memory.</summary>
    public bool IsBusMaster { get; private set; }

    public long NextDeadline => _needsRound ? long.MinValue
        : Math.Min(Pipeline.NextDeadline, Math.Min(Interrupts.NextDeadline, State.KeepAliveDeadline));

    public bool NeedsPolling => Media.HasCompletions;

    /// <summary>There is more to do than one call allows: the next round goes on.</summary>
    public void AskForRound() => _needsRound = true;

    /// <summary>A doorbell was written.</summary>
    /// <param name="index">Even ones are submission tails, odd ones completion heads.</param>
    public void OnDoorbell(int index, uint value, long now)
    {
        if (State.IsRunning)
        {
            Doorbells.OnWritten(index, value, now);
            EndOfCall(now);
        }
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
            if (Commands.Find(name) is { OutstandingReads: > 0 } command)
            {
                DataMover.OnData(command, name, offset, data);
            }
        }
        else if (name.Generation == State.Epoch)
        {
            Fetcher.OnData(name, offset, data);
        }
    }

    public void OnReadCompleted(TransactionName name, DmaReadStatus status, long now)
    {
        if (name.Kind != TransactionKind.EntryFetch)
        {
            if (Commands.Find(name) is { OutstandingReads: > 0 } command)
            {
                Data.OnReadCompleted(command, name.Kind, status, now);
            }
        }
        else if (name.Generation == State.Epoch)
        {
            Fetcher.OnCompleted(name, status, now);
        }

        EndOfCall(now);
    }

    public void OnReadRoom(long now)
    {
        Fetcher.OnReadRoom();
        Data.OnReadRoom(now);
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
            return name.Generation == State.Epoch ? Interrupts.Materialize(name.Index, writer) : MaterializeResult.Completed;
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
            if (queue.IsClosing && queue.Outstanding == 0 || Queues.HasEntries || Data.HasBufferForWaiting)
            {
                _needsRound = true;
            }
        }

        return result;
    }

    public void OnTimer(long now)
    {
        _needsRound = false;
        if (State.CheckKeepAlive(now))
        {
            return;
        }

        Media.Poll(now);
        Pipeline.RunTimed(now);
        Interrupts.OnTimer(now);
        Admin.OnRound(now);
        EndOfCall(now);
    }

    /// <summary>A controller reset: queues and commands are gone.</summary>
    public void ForgetCommands()
    {
        Queues.DeleteAll();
        Pipeline.Reset();
        Data.Reset();
        Media.Reset();
        Fetcher.Reset();
        Events.Reset();
        Admin.Reset();
        Interrupts.Reset();
        _needsRound = false;
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
        Data.ServeWaiting(now);
        Media.Submit();
    }
}
