using System.Runtime.InteropServices;
using PcieOe.Host.RootComplex;
using PcieOe.Protocol.Nvme;

namespace PcieOe.Host.NvmeDriver;

/// <content>Time, recovery and the end.</content>
public sealed unsafe partial class NvmeBlockDriver
{
    private const int RetriesBeforeFunctionReset = 3;

    private long _shutdownDeadline = long.MaxValue;
    private long _shutdownPollAt;
    private bool _isShutdownAnnounced;
    private bool _isShutdownReading;
    private bool _isShutdownDone;

    /// <summary>
    /// Tells the controller that its host goes, then lets go of the function; <see cref="BlockDriverState.Stopped"/> says when that is done.
    /// Commands still under way end with <see cref="NvmeStatus.CommandAbortedByHost"/>.
    /// </summary>
    public void BeginShutdown(long now)
    {
        if (State is BlockDriverState.ShuttingDown or BlockDriverState.Stopped or BlockDriverState.Gone)
        {
            return;
        }

        bool isRunning = State == BlockDriverState.Ready;
        _bringUp.Stop();
        _bringUpAt = long.MaxValue;
        _shutdownDeadline = now + (isRunning ? _options.AdminTimeoutMilliseconds * NanosecondsPerMillisecond : 0);
        _shutdownPollAt = now;
        SetState(BlockDriverState.ShuttingDown, now);
        FailAll(now);
    }

    /// <summary>Lets go of the function at once, which resets it. Commands under way end with <see cref="NvmeStatus.CommandAbortedByHost"/>.</summary>
    public void Stop(long now)
    {
        if (!_isStarted || State is BlockDriverState.Stopped or BlockDriverState.Gone)
        {
            return;
        }

        _bringUp.Stop();
        _bringUpAt = _shutdownDeadline = long.MaxValue;
        _function.Detach(now);
        SetState(BlockDriverState.Stopped, now);
        FailAll(now);
    }

    private void CheckTime(long now)
    {
        if (State != BlockDriverState.Ready || _function.State != RemoteFunctionState.Up)
        {
            return;
        }

        if (_commands.Oldest >= 0 && _commands[_commands.Oldest].Deadline <= now)
        {
            OnTimeout(_commands.Oldest, now);
        }
        else if (_commands.Oldest >= 0 && now >= _watchdogAt && !_isWatchdogReading)
        {
            _watchdogAt = now + _watchdogInterval;
            _isWatchdogReading = _function.TryReadRegion(bar: 0, NvmeRegister.Status, sizeof(uint), WatchdogContext, now);
        }
    }

    private void OnTimeout(int index, long now)
    {
        Counters.Timeouts++;
        ref CommandSlot slot = ref _commands[index];
        if (!slot.IsAbortRequested && _admin.HasRoom)
        {
            Counters.Aborts++;
            ref SubmissionEntry entry = ref _admin.Add(AdminOpcode.Abort, out _);
            entry.CommandDword10 = (uint)_queues[slot.Queue].Id | (uint)_commands.Identifier(index) << 16;
            _commands.Postpone(index, now + _options.AdminTimeoutMilliseconds * NanosecondsPerMillisecond);
            slot.IsAbortRequested = true;
            return;
        }

        // The abort did not help either.
        slot.Reissues++;
        if (slot.Reissues > _options.MaximumReissues)
        {
            Complete(index, NvmeStatus.CommandAbortedByHost, now);
        }

        BeginReset(now);
    }

    /// <summary>Initialises the controller anew; what is under way is issued again afterwards.</summary>
    private void BeginReset(long now)
    {
        Counters.ControllerResets++;
        _bringUp.Stop();
        _toReissue = 0;
        _bringUpAt = now;
        SetState(BlockDriverState.Recovering, now);
    }

    private void BringUp(long now)
    {
        if (_bringUpAt <= now && _function.State == RemoteFunctionState.Up && TryEnableBusMaster(now))
        {
            _bringUpAt = long.MaxValue;
            _bringUp.Begin(now);
        }

        switch (_bringUp.Advance(now))
        {
            case BringUpOutcome.Failed:
                OnBringUpFailed(now);
                break;
            case BringUpOutcome.Succeeded:
                _backoff = MinimumBackoffNanoseconds;
                _currentQueue = 0;
                _toReissue = _commands.Count;
                ForgetPlaces();
                if (_toReissue == 0)
                {
                    OnReady(now);
                }

                break;
        }
    }

    private void OnBringUpFailed(long now)
    {
        Counters.BringUpRetries++;
        _bringUpAt = now + _backoff;
        _backoff = Math.Min(_backoff * 2, MaximumBackoffNanoseconds);

        // A controller that does not come up by itself may need more than its own reset.
        if (Counters.BringUpRetries % RetriesBeforeFunctionReset == 0 && _function.State == RemoteFunctionState.Up)
        {
            _function.StartReset(now);
        }
    }

    private bool TryEnableBusMaster(long now)
    {
        uint command = _function.ReadConfig(4);
        return (command & BusMasterAndMemory) == BusMasterAndMemory || _function.TryWriteConfig(4, command & 0xFFFF | BusMasterAndMemory, 0b0011, now);
    }

    /// <summary>The oldest commands of the table are those still to be issued; issuing moves each behind the others.</summary>
    private void Reissue(long now)
    {
        while (_toReissue > 0)
        {
            int index = _commands.Oldest;
            if (!TryCheck(_commands[index].Command, out int bytes))
            {
                // Its namespace is not what it was.
                _toReissue--;
                Complete(index, NvmeStatus.InvalidNamespaceOrFormat, now);
                continue;
            }

            _commands.Renew(index);
            _commands[index].Command.Sample = 0;
            if (!TryChooseQueue(out int queue) || !TryIssue(index, queue, bytes, now))
            {
                return;
            }

            _commands.Postpone(index, now + _commandTimeout);
            _toReissue--;
            Counters.Reissued++;
        }

        OnReady(now);
    }

    private void OnReady(long now)
    {
        _watchdogAt = now + _watchdogInterval;
        _isWatchdogReading = false;
        SetState(BlockDriverState.Ready, now);
    }

    /// <summary>The controller knows no command any more, and its memory was divided anew.</summary>
    private void ForgetPlaces()
    {
        for (int index = _commands.Oldest; index >= 0; index = _commands[index].Next)
        {
            _commands[index].DataPlace = -1;
            _commands[index].Queue = -1;
        }
    }

    /// <summary>Time that the link was down for does not count.</summary>
    private void ExtendDeadlines(long now)
    {
        _watchdogAt = now + _watchdogInterval;
        for (int index = _commands.Oldest; index >= 0; index = _commands[index].Next)
        {
            _commands[index].Deadline = now + _commandTimeout;
        }
    }

    private void OnGone(long now)
    {
        _bringUp.Stop();
        _bringUpAt = _shutdownDeadline = long.MaxValue;
        SetState(BlockDriverState.Gone, now);
        FailAll(now);
    }

    private void FailAll(long now)
    {
        _toReissue = 0;
        while (_commands.Oldest >= 0)
        {
            _commands[_commands.Oldest].DataPlace = -1;
            Complete(_commands.Oldest, NvmeStatus.CommandAbortedByHost, now);
        }
    }

    private void PumpShutdown(long now)
    {
        if (!_isShutdownDone && now < _shutdownDeadline)
        {
            if (!_isShutdownAnnounced)
            {
                uint configuration = ControllerConfiguration.Default.Value | (uint)ShutdownNotification.Normal << 14;
                _isShutdownAnnounced = _function.TryWriteRegion(bar: 0, NvmeRegister.Configuration,
                    MemoryMarshal.AsBytes(new ReadOnlySpan<uint>(in configuration)), now);
            }
            else if (!_isShutdownReading && now >= _shutdownPollAt)
            {
                _isShutdownReading = _function.TryReadRegion(bar: 0, NvmeRegister.Status, sizeof(uint), ShutdownContext, now);
            }

            return;
        }

        _shutdownDeadline = long.MaxValue;
        _function.Detach(now);
        SetState(BlockDriverState.Stopped, now);
    }

    private void OnShutdownStatus(RegionReadStatus status, ControllerStatus controller, long now)
    {
        _isShutdownReading = false;
        _shutdownPollAt = now + MinimumBackoffNanoseconds;
        _isShutdownDone = status == RegionReadStatus.Failed || (status == RegionReadStatus.Success && controller.IsShutdownComplete);
    }
}
