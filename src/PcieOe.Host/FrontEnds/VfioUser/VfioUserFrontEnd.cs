using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;
using PcieOe.Host.FrontEnds.Rings;
using PcieOe.Host.FrontEnds.Sockets;
using PcieOe.Host.FrontEnds.VfioUser.Rings;
using PcieOe.Host.FrontEnds.VfioUser.Session;
using PcieOe.Host.FrontEnds.VfioUser.Socket;
using PcieOe.Host.FrontEnds.VfioUser.Worker;
using PcieOe.Host.Hops;
using PcieOe.Host.Interop;
using PcieOe.Host.RootComplex;

namespace PcieOe.Host.FrontEnds.VfioUser;

/// <summary>
/// Serves a remote function to vfio-user clients, one after another, on a UNIX socket (QEMU's docs/interop/vfio-user.rst, version 0.0).
/// Two threads: one of its own for the socket, and the polling worker, which calls <see cref="Poll"/>. They share rings with one writer
/// and one reader each. What it does not do: migration, dirty page tracking, INTx and MSI, mapping anything but doorbells.
/// </summary>
public sealed unsafe class VfioUserFrontEnd : IFrontEnd
{
    private const int RequestRingBytes = 1 << 18;

    /// <summary>Room for the answers to all requests that may be open, each of 4 KiB, twice over.</summary>
    private const int AnswerRingBytes = 1 << 20;

    /// <summary>What may wait for a client that is asked for its memory (4 MiB for each session).</summary>
    private const int ClientRequestRingBytes = 1 << 22;

    private const long LookMilliseconds = 200;

    private readonly SleepSignal _wake = new();
    private readonly RecordRing _requests = new(RequestRingBytes);
    private readonly RecordRing _answers = new(AnswerRingBytes);
    private readonly RecordRing _clientRequests = new(ClientRequestRingBytes);
    private readonly FunctionWorker _worker;
    private readonly SessionContext _context;
    private readonly UnixListener _listener;
    private readonly Thread _thread;
    private volatile bool _isStopping;
    private ClientSession? _session;
    private int _socket = ReceivedDescriptors.None;
    private long _lastLookMilliseconds;

    private VfioUserFrontEnd(VfioUserOptions options, IRemoteFunction function, UnixListener listener, Action wakeWorker, ILogger logger, HopSampler? hops)
    {
        _listener = listener;
        _worker = new FunctionWorker(function, _requests, _answers, _clientRequests, _wake, options.MapsDoorbells, hops);
        _context = new SessionContext
        {
            Requests = _requests,
            Answers = _answers,
            ClientRequests = _clientRequests,
            Worker = _worker,
            Function = function,
            WakeWorker = wakeWorker,
            Options = options,
            Counters = new VfioUserCounters(),
            Logger = logger,
        };
        _thread = new Thread(Run) { Name = "vfio-user", IsBackground = true };
    }

    /// <summary>Whether a client may write to a mapped doorbell at any time, so that the worker must not sleep for long.</summary>
    public bool MustKeepLooking => _worker.WatchesDoorbells;

    /// <summary>When the worker should call <see cref="Poll"/> at the latest.</summary>
    public long NextDeadline => _worker.NextDeadline;

    /// <summary>The function is not used any more.</summary>
    public bool IsStopped => _worker.IsStopped;

    public string SocketPath => _context.Name;

    public bool HasClient => _worker.HasClient;

    /// <summary>What has been counted; any thread.</summary>
    public VfioUserCounters Counters
    {
        get
        {
            VfioUserCounters counters = _context.Counters;
            _worker.Counters.CopyTo(counters);
            counters.Interrupts = _worker.Events.Signals;
            return counters;
        }
    }

    /// <summary>Listens on the socket; clients are taken as soon as the function has been enumerated.</summary>
    /// <param name="wakeWorker">Wakes the worker if it sleeps; called on any thread.</param>
    /// <exception cref="IOException">The socket cannot be made; the message says why and what to do.</exception>
    public static VfioUserFrontEnd Start(VfioUserOptions options, IRemoteFunction function, Action wakeWorker, ILogger logger) =>
        Start(options, function, wakeWorker, logger, hops: null);

    /// <param name="hops">Stamps commands, doorbell by doorbell; null: none is.</param>
    internal static VfioUserFrontEnd Start(VfioUserOptions options, IRemoteFunction function, Action wakeWorker, ILogger logger, HopSampler? hops)
    {
        var frontEnd = new VfioUserFrontEnd(options, function, UnixListener.Listen(options.SocketPath, waitingClients: 1), wakeWorker, logger, hops);
        frontEnd._thread.Start();
        return frontEnd;
    }

    /// <summary>For the worker, in every poll round. True: there was work.</summary>
    public bool Poll(long now) => _worker.Poll(now);

    /// <summary>For the worker: ends the socket's thread and takes leave of the function; <see cref="Poll"/> does nothing from then on.</summary>
    public void Stop(long now)
    {
        if (_isStopping)
        {
            return;
        }

        _isStopping = true;
        _wake.WakeAlways();
        _thread.Join();
        _listener.Dispose();
        _worker.Stop(now);
        CloseSession();
    }

    /// <summary>After <see cref="Stop"/>.</summary>
    public void Dispose()
    {
        Stop(0);
        _worker.Dispose();
        _requests.Dispose();
        _answers.Dispose();
        _clientRequests.Dispose();
        _wake.Dispose();
    }

    private void Run()
    {
        if (!AskWorker(FunctionRequestKind.Describe, out _))
        {
            return;
        }

        Log.Serving(_context.Logger, _context.Name);
        while (!_isStopping)
        {
            _socket = _listener.TryAccept();
            if (_socket < 0)
            {
                Sleep(_listener.Descriptor, PollEntry.InputReady, looksAround: false);
            }
            else if (AskWorker(FunctionRequestKind.Attach, out int error))
            {
                ServeClient(error == Errno.None);
            }
        }
    }

    private void ServeClient(bool isAttached)
    {
        _context.Counters.Clients++;
        _session = new ClientSession(_context, _socket);
        if (isAttached)
        {
            LogFor(static (logger, name) => Log.ClientCame(logger, name));
            Serve(_session);
        }
        else
        {
            LogFor(static (logger, name) => Log.FunctionBusy(logger, name));
        }

        _worker.ForgetClient();
        if (AskWorker(FunctionRequestKind.Detach, out _))
        {
            // The worker has forgotten the client: what it still wanted of it goes with it.
            while (_clientRequests.TryPeek(out Span<byte> _))
            {
                _clientRequests.Release();
            }

            CloseSession();
        }
    }

    private void Serve(ClientSession session)
    {
        try
        {
            _worker.SetWritesDone(0);
            while (!_isStopping && session.EndReason is null)
            {
                if (!session.Serve())
                {
                    WaitForWork(session);
                }
            }
        }
        catch (Exception exception) when (exception is InvalidOperationException or IOException or ArgumentException or OutOfMemoryException)
        {
            // A mistake of this program's in serving one client costs that client, not the others.
            Log.SessionFailed(_context.Logger, _context.Name, exception);
        }

        if (_context.MayLog())
        {
            Log.ClientWent(_context.Logger, _context.Name, session.EndReason ?? "the daemon stops");
        }
    }

    private void WaitForWork(ClientSession session)
    {
        bool listens = session.Listens;
        if (!listens)
        {
            _worker.AskForRoom();
        }

        short events = (short)((listens ? PollEntry.InputReady : 0) | (session.HasToSend ? PollEntry.OutputReady : 0));
        short returned = Sleep(_socket, events, looksAround: true);
        if (!listens && (returned & PollEntry.HangUp) != 0)
        {
            session.End("it hung up");
        }

        if (Environment.TickCount64 - _lastLookMilliseconds >= LookMilliseconds)
        {
            _lastLookMilliseconds = Environment.TickCount64;
            session.CheckPatience();
            if (_worker.Events.FreeStuckWorker())
            {
                _context.Counters.StuckEvents++;
                session.End("it let an eventfd block");
            }
        }
    }

    /// <summary>Hands the worker a request of the front end's own and waits for it to be done. False: the front end is stopping.</summary>
    private bool AskWorker(FunctionRequestKind kind, out int error)
    {
        error = Errno.None;
        while (!_requests.HasRoomFor(FunctionRequest.Bytes))
        {
            _worker.AskForRoom();
            Sleep(ReceivedDescriptors.None, 0, looksAround: true);
            if (_isStopping)
            {
                return false;
            }
        }

        _context.Push(new FunctionRequest { Kind = kind }, default);
        while (!_isStopping)
        {
            while (_answers.TryPeek(out Span<byte> record))
            {
                FunctionAnswer answer = MemoryMarshal.Read<FunctionAnswer>(record);
                _answers.Release();
                if (answer.Kind == kind)
                {
                    error = answer.Error;
                    return true;
                }
            }

            Sleep(ReceivedDescriptors.None, 0, looksAround: true);
            _worker.Events.FreeStuckWorker();
        }

        return false;
    }

    /// <summary>Sleeps until the worker leaves something or the descriptor is ready. Returns what the descriptor is ready for.</summary>
    private short Sleep(int descriptor, short events, bool looksAround)
    {
        PollEntry* entries = stackalloc PollEntry[2];
        entries[0] = new PollEntry { Descriptor = _wake.Descriptor, Events = PollEntry.InputReady };
        entries[1] = new PollEntry { Descriptor = descriptor, Events = events };
        var limit = new TimeSpecification { Nanoseconds = LookMilliseconds * 1_000_000 };
        _wake.PrepareToSleep();
        if (!_isStopping && _answers.IsEmpty && (_session is null || !_session.HasWork))
        {
            _ = LibC.Poll(entries, 2, looksAround ? &limit : null, null);
        }

        _wake.Awake();
        return entries[1].Returned;
    }

    private void CloseSession()
    {
        if (_session is not null)
        {
            _session.Dispose();
            _session = null;
            _ = LibC.Close(_socket);
        }
    }

    private void LogFor(Action<ILogger, string> line)
    {
        if (_context.MayLog())
        {
            line(_context.Logger, _context.Name);
        }
    }
}
