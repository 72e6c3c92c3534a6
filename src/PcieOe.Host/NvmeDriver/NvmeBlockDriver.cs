using System.Buffers.Binary;
using PcieOe.Host.Hops;
using PcieOe.Host.RootComplex;
using PcieOe.Protocol.Nvme;

namespace PcieOe.Host.NvmeDriver;

/// <summary>
/// A polled NVMe driver in user space, a client of a remote function like any other: entries are posted into the controller's
/// memory with their doorbell, data and completions are written by the device into the pool. One thread uses it; nothing allocates for a
/// command. A controller that fails, or comes back without its state, is initialised anew, and what was under way is issued again.
/// </summary>
/// <remarks>
/// Commands under way at the same time have no order among themselves, neither before nor after a reset (NVMe 1.4, section 6.3): whoever needs
/// one waits for the completion of the first. So issuing again, in the order of their submission, changes nothing that a client can rely on.
/// </remarks>
public sealed unsafe partial class NvmeBlockDriver : IRemoteFunctionClient, IDisposable
{
    private const long NanosecondsPerMillisecond = 1_000_000;
    private const long MinimumBackoffNanoseconds = 5 * NanosecondsPerMillisecond;
    private const long MaximumBackoffNanoseconds = 1000 * NanosecondsPerMillisecond;
    private const uint BringUpContext = 1;
    private const ulong WatchdogContext = 2UL << 32;
    private const ulong ShutdownContext = 3UL << 32;

    /// <summary>Marks region reads that <see cref="RegionReader"/> started beside the driver.</summary>
    internal const ulong ReaderContext = 4UL << 32;

    private const byte BusMasterAndMemory = 0x06;

    private readonly IRemoteFunction _function;
    private readonly IBlockDriverClient _client;
    private readonly NvmeDriverOptions _options;
    private readonly QueuePair[] _queues;
    private readonly AdminQueue _admin;
    private readonly ControllerMemory _memory = new();
    private readonly ControllerBringUp _bringUp;
    private readonly CommandTable _commands;
    private readonly HopSampler? _hops;
    private readonly byte* _lists;
    private readonly ulong _listsAddress;
    private readonly long _commandTimeout;
    private readonly long _watchdogInterval;
    private int _currentQueue;
    private int _toReissue;
    private long _bringUpAt = long.MaxValue;
    private long _backoff = MinimumBackoffNanoseconds;
    private long _watchdogAt = long.MaxValue;
    private bool _isWatchdogReading;
    private bool _isStarted;

    public NvmeBlockDriver(IRemoteFunction function, IBlockDriverClient client, NvmeDriverOptions options)
        : this(function, client, options, hops: null)
    {
    }

    /// <param name="hops">Stamps the commands that it has chosen; null: none is.</param>
    internal NvmeBlockDriver(IRemoteFunction function, IBlockDriverClient client, NvmeDriverOptions options, HopSampler? hops)
    {
        _function = function;
        _hops = hops;
        _client = client;
        _options = options;
        _commandTimeout = options.CommandTimeoutMilliseconds * NanosecondsPerMillisecond;
        _watchdogInterval = options.WatchdogMilliseconds * NanosecondsPerMillisecond;
        Pool = new DmaPool(options.PoolBytes);
        int capacity = Math.Min(CommandTable.MaximumCapacity - 1, options.QueuePairs * (options.QueueEntries - 1));
        _commands = new CommandTable(capacity);
        _queues = new QueuePair[options.QueuePairs];
        for (int index = 0; index < _queues.Length; index++)
        {
            _queues[index] = new QueuePair(function, Pool, index + 1, options.QueueEntries, hops);
        }

        _admin = new AdminQueue(function, Pool);
        if (!Pool.TryAllocate(capacity * DataPointers.ListBytes, out nint lists))
        {
            throw new InsufficientMemoryException($"The driver's pool of {Pool.Bytes} bytes has no room for its lists.");
        }

        _lists = (byte*)lists;
        _listsAddress = Pool.BusAddress(lists);
        _bringUp = new ControllerBringUp(function, options, Pool, _admin, _queues, _memory, capacity, BringUpContext);
    }

    public BlockDriverState State { get; private set; } = BlockDriverState.Starting;

    /// <summary>Memory for the buffers of commands.</summary>
    public DmaPool Pool { get; }

    /// <summary>The active namespaces, once the driver was ready.</summary>
    public IReadOnlyList<NamespaceInfo> Namespaces => _bringUp.Namespaces;

    /// <summary>The longest transfer of one command, bytes.</summary>
    public int MaximumTransferBytes => _bringUp.MaximumTransferBytes;

    /// <summary>Commands that can be under way at a time.</summary>
    public int QueueDepth => Math.Min(_commands.Capacity, _bringUp.ActiveQueues * (_bringUp.QueueEntries - 1));

    public int CommandsUnderWay => _commands.Count;

    /// <summary>False: what is acknowledged is durable, flush or not.</summary>
    public bool HasVolatileWriteCache => _bringUp.HasVolatileWriteCache;

    /// <summary>True if submission queues lie in the controller's memory.</summary>
    public bool UsesControllerMemory => _bringUp.ActiveQueues > 0 && _queues[0].ControllerPlace is not null;

    /// <summary>I/O queues exist: the driver is ready, or issues commands again.</summary>
    private bool IsRunning => State == BlockDriverState.Ready || _toReissue > 0;

    internal NvmeDriverCounters Counters { get; } = new();

    /// <summary>The function, for one who measures accesses to it beside the driver's own.</summary>
    internal IRemoteFunction Function => _function;

    /// <summary>Hears the ends of region reads under <see cref="ReaderContext"/>.</summary>
    internal RegionReadHandler? RegionReader { get; set; }

    /// <summary>When <see cref="Pump"/> has something to do besides what the device brings.</summary>
    public long NextDeadline
    {
        get
        {
            long deadline = Math.Min(_bringUp.NextDeadline, Math.Min(_bringUpAt, _shutdownDeadline));
            if (_function.State == RemoteFunctionState.Up && State == BlockDriverState.Ready && _commands.Oldest >= 0)
            {
                deadline = Math.Min(deadline, Math.Min(_commands[_commands.Oldest].Deadline, _watchdogAt));
            }

            return deadline;
        }
    }

    /// <summary>Takes the function and initialises the controller as soon as it is there.</summary>
    /// <exception cref="InvalidOperationException">The function has a client already.</exception>
    public void Start(long now)
    {
        _function.Attach(this);
        _isStarted = true;
        DmaMapResult result = _function.Map(DmaPool.BusBase, (ulong)Pool.Bytes, Pool.Start, DmaAccess.ReadWrite);
        if (result != DmaMapResult.Success)
        {
            throw new InvalidOperationException($"The driver's memory could not be mapped: {result}.");
        }

        if (_function.State == RemoteFunctionState.Up)
        {
            _bringUpAt = now;
        }
    }

    /// <summary>
    /// One poll round, between what the device brought and the root port's own Pump: takes completions, carries initialisation and
    /// recovery on, posts what was submitted.
    /// </summary>
    public void Pump(long now)
    {
        if (State is BlockDriverState.Stopped or BlockDriverState.Gone)
        {
            return;
        }

        while (_admin.TryTakeCompletion(Counters, out CompletionEntry entry))
        {
            _bringUp.OnAdminCompleted(entry, now);
        }

        if (IsRunning)
        {
            TakeCompletions(now);
        }

        CheckTime(now);
        BringUp(now);
        if (_toReissue > 0)
        {
            Reissue(now);
        }

        Post(now);
        if (State == BlockDriverState.ShuttingDown)
        {
            PumpShutdown(now);
        }
    }

    public void OnRegionRead(ulong context, RegionReadStatus status, ReadOnlySpan<byte> data, long now)
    {
        if (_bringUp.Owns(context))
        {
            _bringUp.OnRegisterRead(context, status, data, now);
        }
        else if (context == WatchdogContext)
        {
            _isWatchdogReading = false;
            ControllerStatus controller = new(BinaryPrimitives.ReadUInt32LittleEndian(data));
            if (status != RegionReadStatus.Substituted && State == BlockDriverState.Ready && (controller.IsFatal || !controller.IsReady))
            {
                BeginReset(now);
            }
        }
        else if (context == ShutdownContext)
        {
            OnShutdownStatus(status, new ControllerStatus(BinaryPrimitives.ReadUInt32LittleEndian(data)), now);
        }
        else if (context == ReaderContext)
        {
            RegionReader?.Invoke(status, data);
        }
    }

    public void OnInterrupt(int vector, long now)
    {
        // Its queues are polled, and ask for none.
    }

    public void OnStateChanged(RemoteFunctionState state, long now)
    {
        switch (state)
        {
            case RemoteFunctionState.Gone:
                OnGone(now);
                break;
            case RemoteFunctionState.Up when State is BlockDriverState.Starting or BlockDriverState.Recovering:
                _bringUpAt = Math.Min(_bringUpAt, now);
                break;
            case RemoteFunctionState.Up:
                ExtendDeadlines(now);
                break;
        }
    }

    public void OnReplaced(long now)
    {
        if (State is BlockDriverState.Ready or BlockDriverState.Recovering)
        {
            BeginReset(now);
            _bringUpAt = now;
        }
        else if (State == BlockDriverState.Starting)
        {
            _bringUp.Stop();
            _bringUpAt = now;
        }
    }

    public void OnResetCompleted(bool succeeded, long now)
    {
        // The function's state says the same.
    }

    public void Dispose()
    {
        if (_isStarted && State is not (BlockDriverState.Stopped or BlockDriverState.Gone))
        {
            throw new InvalidOperationException("The device may still write to the driver's memory: shut it down first.");
        }

        Pool.Dispose();
    }

    /// <summary>
    /// A place of the controller's memory for one who measures accesses to it, of at least so many bytes, until the controller is
    /// initialised anew (<see cref="NvmeDriverCounters.ControllerResets"/>). False: there is none.
    /// </summary>
    internal bool TryTakePlace(int bytes, out int index, out RegionPlace place)
    {
        index = -1;
        bool isTaken = bytes <= _memory.DataPlaceBytes && _memory.TryTakeData(out index);
        place = isTaken ? _memory.DataPlace(index) : default;
        return isTaken;
    }

    internal void ReturnPlace(int index) => _memory.ReturnData(index);

    private void SetState(BlockDriverState state, long now)
    {
        if (State != state)
        {
            State = state;
            _client.OnStateChanged(state, now);
        }
    }

    private void Post(long now)
    {
        if (!_admin.TryPost(now))
        {
            Counters.PostsDelayed++;
        }

        if (!IsRunning)
        {
            return;
        }

        for (int index = 0; index < _bringUp.ActiveQueues; index++)
        {
            if (!_queues[index].TryPost(now))
            {
                Counters.PostsDelayed++;
            }
        }

        // One round fills one queue, so that what comes together leaves together.
        _currentQueue = _currentQueue + 1 < _bringUp.ActiveQueues ? _currentQueue + 1 : 0;
    }
}

/// <summary>Ends a region read.</summary>
/// <param name="data">Valid during the call only.</param>
internal delegate void RegionReadHandler(RegionReadStatus status, ReadOnlySpan<byte> data);
