using PcieOe.Host.FrontEnds;
using PcieOe.Host.Hops;
using PcieOe.Host.RootComplex;
using PcieOe.Protocol.Nvme;

namespace PcieOe.Host.NvmeDriver;

/// <summary>
/// The built-in driver for clients on other threads: it lives on the worker's thread as a front end and serves their channels in turn.
/// Commands wait in their rings while the controller is being initialised, and through an outage.
/// </summary>
public sealed class BlockDevice : IFrontEnd, IBlockDriverClient
{
    private const int CommandsPerRound = 64;
    private const int ChannelShift = 32;

    /// <summary>Marks the commands that <see cref="User"/> gives to the driver itself.</summary>
    internal const ulong UserContext = 1UL << 63;

    private readonly Action _wakeWorker;
    private readonly HopSampler? _hops;
    private BlockDeviceChannel?[] _channels = new BlockDeviceChannel?[4];
    private volatile BlockDeviceInfo? _info;
    private int _first;
    private bool _isAttached;

    /// <param name="wakeWorker">Ends a sleep of the worker, from any thread.</param>
    public BlockDevice(IRemoteFunction function, NvmeDriverOptions options, Action wakeWorker)
        : this(function, options, wakeWorker, hops: null)
    {
    }

    internal BlockDevice(IRemoteFunction function, NvmeDriverOptions options, Action wakeWorker, HopSampler? hops)
    {
        _wakeWorker = wakeWorker;
        _hops = hops;
        Driver = new NvmeBlockDriver(function, this, options, hops);
    }

    public NvmeBlockDriver Driver { get; }

    /// <summary>Memory for the buffers of commands; it may be asked from any thread.</summary>
    public DmaPool Pool => Driver.Pool;

    /// <summary>For any thread: null until the driver was ready for the first time.</summary>
    public BlockDeviceInfo? Info => _info;

    /// <summary>On the worker's thread: one who uses the driver from there, beside the channels.</summary>
    internal IBlockDeviceUser? User { get; set; }

    public bool MustKeepLooking => false;

    public long NextDeadline => Math.Min(Driver.NextDeadline, User?.NextDeadline ?? long.MaxValue);

    /// <summary>On the worker's thread: takes the function.</summary>
    public void Start(long now)
    {
        Driver.Start(now);
        _isAttached = true;
    }

    /// <summary>On the worker's thread: makes a channel for one client.</summary>
    public BlockDeviceChannel Open(int depth)
    {
        BlockDeviceChannel channel = new(depth, _wakeWorker, _hops);
        int index = Array.IndexOf(_channels, null);
        if (index < 0)
        {
            index = _channels.Length;
            Array.Resize(ref _channels, index * 2);
        }

        _channels[index] = channel;
        if (!_isAttached)
        {
            channel.Detach();
            _channels[index] = null;
        }

        return channel;
    }

    public bool Poll(long now)
    {
        long before = Driver.Counters.Submitted + Driver.Counters.Completed;
        bool worked = User is not null && Driver.State != BlockDriverState.Gone && User.Poll(now);
        for (int turn = 0; turn < _channels.Length; turn++)
        {
            int index = (_first + turn) % _channels.Length;
            if (_channels[index] is { } channel)
            {
                Serve(channel, index, now);
            }
        }

        _first = (_first + 1) % _channels.Length;
        Driver.Pump(now);
        for (int index = 0; index < _channels.Length; index++)
        {
            _channels[index]?.WakeClient();
        }

        if (IsStopped)
        {
            DetachAll(now);
        }

        return worked || Driver.Counters.Submitted + Driver.Counters.Completed != before;
    }

    public void OnCompleted(ulong context, NvmeStatus status, long now)
    {
        if ((context & UserContext) != 0)
        {
            User?.OnCompleted((int)context, status, now);
            return;
        }

        _channels[(int)(context >> ChannelShift)]!.Complete((int)(uint)context, status);
    }

    public void OnStateChanged(BlockDriverState state, long now)
    {
        if (state == BlockDriverState.Ready)
        {
            _info = new BlockDeviceInfo(Driver.Namespaces, Driver.MaximumTransferBytes, Driver.HasVolatileWriteCache);
        }
        else if (state is BlockDriverState.Gone or BlockDriverState.Stopped)
        {
            User?.OnDeviceEnded();
        }
    }

    /// <summary>Begins a shutdown: commands under way and those that wait end with <see cref="NvmeStatus.CommandAbortedByHost"/>.</summary>
    public void Stop(long now)
    {
        if (_isAttached)
        {
            _isAttached = false;
            Driver.BeginShutdown(now);
        }
    }

    public bool IsStopped => !_isAttached && Driver.State is BlockDriverState.Starting or BlockDriverState.Stopped or BlockDriverState.Gone;

    /// <summary>Frees the driver's memory: clients must have let go of their buffers.</summary>
    public void Dispose()
    {
        if (_isAttached)
        {
            _isAttached = false;
            Driver.Stop(now: 0);
        }

        DetachAll(now: 0);
        Driver.Dispose();
    }

    private void DetachAll(long now)
    {
        for (int index = 0; index < _channels.Length; index++)
        {
            if (_channels[index] is { } channel)
            {
                Serve(channel, index, now);
                channel.Detach();
                _channels[index] = null;
            }
        }
    }

    private void Serve(BlockDeviceChannel channel, int index, long now)
    {
        bool isEnded = Driver.State is BlockDriverState.Gone or BlockDriverState.Stopped or BlockDriverState.ShuttingDown;
        for (int taken = 0; (taken < CommandsPerRound || isEnded) && channel.TryPeek(out BlockCommand command); taken++)
        {
            ulong context = command.Context;
            if (isEnded)
            {
                channel.Refuse(context, NvmeStatus.CommandAbortedByHost);
                continue;
            }

            if (Driver.State != BlockDriverState.Ready)
            {
                break;
            }

            if (!Driver.IsValid(command))
            {
                channel.Refuse(context, NvmeStatus.InvalidField);
                continue;
            }

            command.Context = (ulong)index << ChannelShift | (uint)channel.NextSlot;
            if (command.SubmittedAt != 0)
            {
                // A workload's hops are its own commands'.
                command.Sample = _hops!.Recorder.Workload is null ? _hops.BeginAt(command.SubmittedAt) : 0;
            }

            if (!Driver.TrySubmit(command, now))
            {
                break;
            }

            channel.Take(context, command.Sample, command.SubmittedAt);
        }

        if (channel.IsFinished)
        {
            channel.Detach();
            _channels[index] = null;
        }
    }
}
