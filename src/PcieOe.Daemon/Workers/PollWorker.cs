using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using PcieOe.Daemon.Interop;
using PcieOe.Transport.Polling;
using PcieOe.Transport.Ports;

namespace PcieOe.Daemon.Workers;

/// <summary>
/// A thread that polls a port and drives an engine, run to completion: receive, deliver, let the engine move what can move,
/// send, and wait when there was nothing to do. Nothing here allocates in steady state. Other threads reach the engine through
/// <see cref="Post"/> alone.
/// </summary>
public sealed class PollWorker : IDisposable
{
    private const int ReceiveBatch = 16;
    private const int SendBatchesPerRound = 2;
    private const int CommandsPerRound = 8;

    private readonly string _name;
    private readonly IPort _port;
    private readonly EthernetFraming _framing;
    private readonly IWorkerEngine _engine;
    private readonly PollWaiter _waiter;
    private readonly long _longestBlindSleepNanoseconds;
    private readonly int? _processor;
    private readonly ILogger _logger;
    private readonly FrameBatch _batch;
    private readonly ReceivedFrame[] _received = new ReceivedFrame[ReceiveBatch];
    private readonly ConcurrentQueue<Action<long>> _commands = new();
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _unanswered = new();
    private Thread? _thread;
    private volatile bool _isStopping;
    private long _rounds;
    private long _busyRounds;

    /// <param name="longestBlindSleepMicroseconds">The longest sleep while something may need the worker without waking it.</param>
    public PollWorker(
        string name, IPort port, EthernetFraming framing, IWorkerEngine engine, PollWaiter waiter, int longestBlindSleepMicroseconds, int? processor, ILogger logger)
    {
        _name = name;
        _port = port;
        _framing = framing;
        _engine = engine;
        _waiter = waiter;
        _longestBlindSleepNanoseconds = longestBlindSleepMicroseconds * 1000L;
        _processor = processor;
        _logger = logger;
        _batch = new FrameBatch(framing, port.MaximumTransmissionUnit);
        waiter.Add(port);
    }

    /// <summary>Completes when the thread has ended; faulted when it ended on an exception.</summary>
    public Task Ended => _ended.Task;

    public long Rounds => Volatile.Read(ref _rounds);

    /// <summary>Rounds that found something to do.</summary>
    public long BusyRounds => Volatile.Read(ref _busyRounds);

    public long Sleeps => _waiter.Blocks;

    public void Start()
    {
        _thread = new Thread(Run) { IsBackground = true, Name = _name };
        _thread.Start();
    }

    /// <summary>Runs something on the worker's thread between two rounds: control work, short. From any thread.</summary>
    public void Post(Action<long> command)
    {
        _commands.Enqueue(command);
        _waiter.Wake();
    }

    /// <summary>As <see cref="Post"/>, with an answer; cancelled when the worker ends before it has one.</summary>
    /// <exception cref="InvalidOperationException">The worker has ended.</exception>
    public async Task<T> AskAsync<T>(Func<long, T> question)
    {
        if (_ended.Task.IsCompleted)
        {
            throw new InvalidOperationException($"The worker {_name} has ended.");
        }

        // Nothing here may hold an answer for longer than its asker does: a daemon is asked for its status for months.
        TaskCompletionSource<T> answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
        using CancellationTokenRegistration end = _unanswered.Token.UnsafeRegister(static answer => ((TaskCompletionSource<T>)answer!).TrySetCanceled(), answer);
        Post(now =>
        {
            try
            {
                answer.TrySetResult(question(now));
            }
#pragma warning disable CA1031 // Belongs to whoever asked.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                answer.TrySetException(exception);
            }
        });
        return await answer.Task.ConfigureAwait(false);
    }

    /// <summary>Has the engine begin to end, and waits until it is through, for a bounded time.</summary>
    public async Task DrainAsync(Action<long> begin, Func<bool> isThrough, TimeSpan limit)
    {
        await AskAsync(now =>
        {
            begin(now);
            return true;
        }).ConfigureAwait(false);
        using CancellationTokenSource end = new(limit);
        while (!end.IsCancellationRequested && !await AskAsync(_ => isThrough()).ConfigureAwait(false))
        {
            await Task.Delay(10).ConfigureAwait(false);
        }
    }

    /// <summary>Ends a sleep of the worker: something was put where its engine looks. From any thread.</summary>
    public void Wake() => _waiter.Wake();

    /// <summary>Ends the thread after its current round.</summary>
    public void Stop()
    {
        _isStopping = true;
        _waiter.Wake();
        _thread?.Join();
    }

    public void Dispose()
    {
        Stop();
        _batch.Dispose();
        _waiter.Dispose();
        _unanswered.Dispose();
    }

    private void Run()
    {
        if (_processor is { } processor && !ThreadAffinity.TryBind(processor))
        {
            Log.ProcessorNotBound(_logger, _name, processor);
        }

        try
        {
            while (!_isStopping)
            {
                RunRound();
            }

            _ended.TrySetResult();
        }
#pragma warning disable CA1031 // An invariant broke: the daemon must end with the reason in its log, not by an unhandled exception of a bare thread.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            Log.WorkerFailed(_logger, _name, exception);
            _ended.TrySetException(exception);
        }

        _unanswered.Cancel();
    }

    private void RunRound()
    {
        // The clock after the frames: clock exchanges rest on nothing having come later than its time says.
        int received = _port.Receive(_received);
        long now = MonotonicClock.Nanoseconds;
        bool worked = HandOver(received, now);
        worked |= RunCommands(now);
        if (now >= _engine.NextDeadline)
        {
            _engine.OnTimer(now);
            worked = true;
        }

        worked |= _engine.Poll(now);
        worked |= Send(now);
        _rounds++;
        if (worked)
        {
            _busyRounds++;
            _waiter.OnWork();
        }
        else
        {
            _waiter.OnIdle(now, _engine.NextDeadline, _engine.MustKeepLooking ? _longestBlindSleepNanoseconds : long.MaxValue);
        }
    }

    private bool HandOver(int count, long now)
    {
        if (count == 0)
        {
            return false;
        }

        for (int i = 0; i < count; i++)
        {
            ReadOnlySpan<byte> frame = _received[i].Bytes;
            if (_framing.Accepts(frame))
            {
                _engine.OnFrame(frame[EthernetFraming.ReceivedHeaderLength..], EthernetFraming.SourceOf(frame), _received[i], now);
            }
        }

        _port.Release();
        return true;
    }

    private bool RunCommands(long now)
    {
        if (_commands.IsEmpty)
        {
            return false;
        }

        for (int i = 0; i < CommandsPerRound && _commands.TryDequeue(out Action<long>? command); i++)
        {
            command(now);
        }

        return true;
    }

    private bool Send(long now)
    {
        bool sentAny = false;
        for (int i = 0; i < SendBatchesPerRound; i++)
        {
            _batch.Clear();
            _engine.CollectFrames(_batch, _port.Address, now);
            if (_batch.Count == 0)
            {
                break;
            }

            sentAny = true;
            if (_batch.IsTimed)
            {
                _engine.OnLeaving();
            }

            int sent = _port.Send(_batch.Frames);
            for (int frame = sent; frame < _batch.Count; frame++)
            {
                _engine.OnSendRefused(_batch.OwnerOf(frame), now);
            }

            if (!_batch.IsFull)
            {
                break;
            }
        }

        return sentAny;
    }
}
