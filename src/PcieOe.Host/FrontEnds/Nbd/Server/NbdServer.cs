using Microsoft.Extensions.Logging;
using PcieOe.Host.FrontEnds.Nbd.Protocol;
using PcieOe.Host.Interop;
using PcieOe.Host.NvmeDriver;
using PcieOe.Transport.Interop;
using PcieOe.Transport.Polling;

namespace PcieOe.Host.FrontEnds.Nbd.Server;

/// <summary>
/// Serves block devices to NBD clients on one address, with one thread that waits for sockets and for the devices' channels together. No
/// connection can hold up another: none blocks, each has its own share of memory, and each gets one turn a round.
/// </summary>
internal sealed unsafe class NbdServer : IExportCatalogue, IDisposable
{
    /// <summary>Further clients wait until one leaves.</summary>
    internal const int MaximumConnections = 32;

    /// <summary>Commands that may be under way at one device.</summary>
    internal const int ChannelDepth = 1023;

    private const long ReadyWaitMilliseconds = 5_000;
    private const long ShortSleepMilliseconds = 20;
    private const long LongestSleepMilliseconds = 1_000;
    private const long LongestStopMilliseconds = 2_000;

    private readonly NbdAddress _address;
    private readonly ServedDevice[] _devices;
    private readonly NbdListener _listener;
    private readonly ILogger _logger;
    private readonly LogLimiter _limiter = new();
    private readonly IdleStrategy _idle;
    private readonly EventDescriptor _stopSignal = new();
    private readonly NbdConnection?[] _connections = new NbdConnection?[MaximumConnections];
    private readonly PollEntry[] _entries;
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Thread _thread;
    private readonly long _startedMilliseconds = Environment.TickCount64;
    private volatile bool _isStopping;
    private bool _mayAccept = true;
    private int _first;
    private long _stopLimitMilliseconds = long.MaxValue;

    private NbdServer(NbdAddress address, ServedDevice[] devices, NbdListener listener, PollPolicy policy, ILogger logger)
    {
        _address = address;
        _devices = devices;
        _listener = listener;
        _logger = logger;
        _idle = new IdleStrategy(policy == PollPolicy.Blocking ? PollPolicy.Blocking : PollPolicy.Adaptive);
        _entries = GC.AllocateArray<PollEntry>(2 + devices.Length + MaximumConnections, pinned: true);
        _thread = new Thread(Run) { Name = "nbd", IsBackground = true };
    }

    internal NbdCounters Counters { get; } = new();

    internal NbdAddress Address => _address;

    public IReadOnlyList<NbdExport> Exports => [.. _devices.SelectMany(device => device.Exports)];

    private bool IsReady => Array.TrueForAll(_devices, device => device.IsKnown) || Environment.TickCount64 - _startedMilliseconds > ReadyWaitMilliseconds;

    /// <param name="devices">Each with the name of its first export; their channels become the server's.</param>
    /// <param name="policy">As the worker's; but to look at sockets costs system calls, so this thread never does for ever.</param>
    /// <exception cref="IOException">It cannot listen there; the message says why and what to do.</exception>
    internal static NbdServer Start(
        NbdAddress address, IEnumerable<(BlockDevice Device, BlockDeviceChannel Channel, string Name, bool IsReadOnly)> devices, PollPolicy policy, ILogger logger)
    {
        NbdListener listener = new(address);
        ServedDevice[] served = [.. devices.Select((entry, index) => new ServedDevice(index, entry.Device, entry.Channel, entry.Name, entry.IsReadOnly))];
        NbdServer server = new(address, served, listener, policy, logger);
        server._thread.Start();
        Log.Serving(logger, address, served.Length);
        return server;
    }

    /// <summary>Lets clients go once what they asked for is answered. Completes when all are gone, or their time is up.</summary>
    internal Task StopAsync()
    {
        _isStopping = true;
        _stopSignal.Signal();
        return _ended.Task;
    }

    /// <summary>Ends the thread: nothing uses the devices' memory any more from here on.</summary>
    internal void Join()
    {
        StopAsync();
        _thread.Join();
    }

    /// <summary>After the devices have let go of their channels.</summary>
    public void Dispose()
    {
        Join();
        foreach (ServedDevice device in _devices)
        {
            if (device.Channel.IsDetached)
            {
                device.Channel.Dispose();
            }
        }

        _stopSignal.Dispose();
    }

    private void Run()
    {
        try
        {
            while (!_isStopping || !LeaveAll())
            {
                if (RunRound())
                {
                    _idle.OnWork();
                }
                else if (_idle.OnIdle(MonotonicClock.Nanoseconds))
                {
                    Sleep();
                }
                else
                {
                    Poll(limitMilliseconds: 0);
                }
            }
        }
#pragma warning disable CA1031 // An invariant broke: the reason belongs into the log, and the other front ends go on.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            Log.ServerFailed(_logger, _address, exception);
        }

        foreach (NbdConnection? connection in _connections)
        {
            connection?.Close();
        }

        _listener.Dispose();
        _ended.TrySetResult();
    }

    private bool RunRound()
    {
        long now = Environment.TickCount64;
        bool worked = TakeCompletions();
        foreach (ServedDevice device in _devices)
        {
            device.Refresh();
        }

        if (IsReady || _isStopping)
        {
            for (int turn = 0; turn < _connections.Length; turn++)
            {
                int index = (_first + turn) % _connections.Length;
                if (_connections[index] is { } connection)
                {
                    worked |= Advance(connection, index, now);
                }
            }

            _first = (_first + 1) % _connections.Length;
        }

        foreach (ServedDevice device in _devices)
        {
            if (device.HasSubmitted)
            {
                device.HasSubmitted = false;
                device.Channel.Flush();
            }
        }

        return worked | Accept(now);
    }

    private bool TakeCompletions()
    {
        bool worked = false;
        foreach (ServedDevice device in _devices)
        {
            while (device.Channel.TryTakeCompletion(out BlockCompletion completion))
            {
                _connections[NbdConnection.IndexOf(completion.Context)]!.OnCompleted(completion.Context, completion.Status);
                worked = true;
            }
        }

        return worked;
    }

    private bool Advance(NbdConnection connection, int index, long now)
    {
        bool isNew = connection.Export is null;
        bool worked = connection.Advance(now);
        if (isNew && connection.Export is not null && _limiter.Allows(now))
        {
            Log.ClientCame(_logger, _address, connection.Export.Name);
        }

        if (connection.IsFinished)
        {
            Forget(connection, index);
        }

        return worked;
    }

    private void Forget(NbdConnection connection, int index)
    {
        if (connection.CutReason is { } reason)
        {
            Counters.ConnectionsCut++;
            if (_limiter.Allows(Environment.TickCount64))
            {
                Log.ClientCut(_logger, _address, reason);
            }
        }

        Counters.Requests += connection.Session?.RequestsAnswered ?? 0;
        Counters.RequestsFailed += connection.Session?.RequestsFailed ?? 0;
        connection.Dispose();
        _connections[index] = null;
        Counters.Connections--;
    }

    private bool Accept(long now)
    {
        if (!_mayAccept || _isStopping)
        {
            return false;
        }

        int place = Array.IndexOf(_connections, null);
        int descriptor = place < 0 ? -1 : _listener.TryAccept();
        if (descriptor < 0)
        {
            _mayAccept = false;
            return false;
        }

        _connections[place] = new NbdConnection(descriptor, place, this, _devices, now);
        Counters.ConnectionsAccepted++;
        Counters.Connections++;
        return true;
    }

    /// <summary>True: all are gone, or had their time.</summary>
    private bool LeaveAll()
    {
        long now = Environment.TickCount64;
        _stopLimitMilliseconds = Math.Min(_stopLimitMilliseconds, now + LongestStopMilliseconds);
        bool isEmpty = true;
        foreach (NbdConnection? connection in _connections)
        {
            connection?.Leave(now);
            isEmpty &= connection is null;
        }

        return isEmpty || now >= _stopLimitMilliseconds;
    }

    private void Sleep()
    {
        foreach (ServedDevice device in _devices)
        {
            device.Channel.PrepareToSleep();
        }

        if (!TakeCompletions())
        {
            Poll(IsReady && !_isStopping ? LongestSleepMilliseconds : ShortSleepMilliseconds);
        }

        foreach (ServedDevice device in _devices)
        {
            device.Channel.Awake();
        }
    }

    private void Poll(long limitMilliseconds)
    {
        int count = 0;
        _entries[count++] = new PollEntry { Descriptor = _stopSignal.Descriptor, Events = PollEntry.InputReady };
        bool hasPlace = Counters.Connections < MaximumConnections;
        _entries[count++] = new PollEntry { Descriptor = hasPlace && !_isStopping ? _listener.Descriptor : -1, Events = PollEntry.InputReady };
        foreach (ServedDevice device in _devices)
        {
            _entries[count++] = new PollEntry { Descriptor = device.Channel.IsDetached ? -1 : device.Channel.WakeUpDescriptor, Events = PollEntry.InputReady };
        }

        int firstConnection = count;
        long now = Environment.TickCount64;
        foreach (NbdConnection? connection in _connections)
        {
            if (connection is not null)
            {
                limitMilliseconds = Math.Clamp(connection.DeadlineMilliseconds - now, 0, limitMilliseconds);
            }

            _entries[count++] = new PollEntry { Descriptor = connection is { Events: not 0 } ? connection.Descriptor : -1, Events = connection?.Events ?? 0 };
        }

        var timeout = new TimeSpecification { Seconds = limitMilliseconds / 1000, Nanoseconds = limitMilliseconds % 1000 * 1_000_000 };
        fixed (PollEntry* entries = _entries)
        {
            if (LibC.Poll(entries, (nuint)count, &timeout, null) <= 0)
            {
                return;
            }
        }

        if (_entries[0].Returned != 0)
        {
            _stopSignal.Clear();
        }

        _mayAccept |= _entries[1].Returned != 0;
        for (int index = 0; index < _connections.Length; index++)
        {
            if (_entries[firstConnection + index].Returned != 0)
            {
                _connections[index]!.OnReady(_entries[firstConnection + index].Returned);
            }
        }
    }
}
