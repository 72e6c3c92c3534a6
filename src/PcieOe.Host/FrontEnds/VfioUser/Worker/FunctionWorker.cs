using System.Runtime.InteropServices;
using PcieOe.Host.FrontEnds.Rings;
using PcieOe.Host.FrontEnds.VfioUser.Memory;
using PcieOe.Host.FrontEnds.VfioUser.Rings;
using PcieOe.Host.FrontEnds.VfioUser.Wire;
using PcieOe.Host.Hops;
using PcieOe.Host.Interop;
using PcieOe.Host.RootComplex;

namespace PcieOe.Host.FrontEnds.VfioUser.Worker;

/// <summary>
/// The front end's half on the polling worker's thread: carries out what the socket's thread asks in a ring, in order, answers in
/// another, watches the mapped doorbells, and delivers interrupts. Whatever the client wrote to a mapped doorbell before it sent a
/// message is passed on before the message is, so the function sees the client's own order.
/// </summary>
internal sealed partial class FunctionWorker : IRemoteFunctionClient, IDisposable
{
    /// <summary>Requests of one poll round; the rest waits for the next one.</summary>
    private const int RequestsPerRound = 64;

    /// <summary>How long a request that the function has no room for holds up those behind it.</summary>
    private const long PatienceNanoseconds = 1_000_000_000;

    private readonly IRemoteFunction _function;
    private readonly RecordRing _requests;
    private readonly RecordRing _answers;
    private readonly SleepSignal _socketThread;
    private readonly bool _mapsDoorbells;
    private readonly HopSampler? _hops;
    private readonly RegionReads _reads = new();
    private InterruptLines[] _interrupts = [];
    private FunctionDescription? _description;
    private long _describeContext = FunctionRequest.NoAnswer;
    private long _resetContext = FunctionRequest.NoAnswer;
    private bool _isAttached;
    private bool _hasAnswered;
    private long _blockedSince = long.MaxValue;
    private int _written;
    private long _writesDone;
    private long _socketThreadWantsRoom;
    private volatile bool _isClientGone;

    /// <param name="requests">Of which the worker is the reader.</param>
    /// <param name="answers">Of which the worker is the writer.</param>
    /// <param name="clientRequests">Likewise.</param>
    /// <param name="hops">Stamps commands, doorbell by doorbell; null: none is.</param>
    public FunctionWorker(IRemoteFunction function, RecordRing requests, RecordRing answers, RecordRing clientRequests, SleepSignal socketThread, bool mapsDoorbells,
        HopSampler? hops)
    {
        _hops = hops;
        _function = function;
        _requests = requests;
        _answers = answers;
        _socketThread = socketThread;
        _mapsDoorbells = mapsDoorbells;
        ClientMemory = new ClientDmaMemory(clientRequests);
    }

    /// <summary>What mappings without a descriptor are reached through.</summary>
    public ClientDmaMemory ClientMemory { get; }

    public ClientEvents Events { get; } = new();

    public WorkerCounters Counters { get; } = new();

    public bool IsStopped { get; private set; }

    public bool HasClient => _isAttached;

    /// <summary>Whether a client may write to a mapped doorbell at any time.</summary>
    public bool WatchesDoorbells => _isAttached && _description?.Doorbells is not null;

    /// <summary>When a request that waits for room runs out of patience; <see cref="long.MaxValue"/> while none waits.</summary>
    public long NextDeadline => _blockedSince == long.MaxValue ? long.MaxValue : _blockedSince + PatienceNanoseconds;

    /// <summary>For the socket's thread, after the answer to a description.</summary>
    public FunctionDescription? Description => Volatile.Read(ref _description);

    /// <summary>For the socket's thread: how many of the writes asked of the client are acknowledged, counted from the first on.</summary>
    public void SetWritesDone(long count) => Volatile.Write(ref _writesDone, count);

    /// <summary>For the socket's thread: wants to be woken when requests have been taken.</summary>
    public void AskForRoom() => Interlocked.Exchange(ref _socketThreadWantsRoom, 1);

    /// <summary>For the socket's thread, before it asks to detach: what the client still wants of the regions may be passed over.</summary>
    public void ForgetClient() => _isClientGone = true;

    /// <summary>One poll round. True: there was work.</summary>
    public bool Poll(long now)
    {
        if (IsStopped)
        {
            return false;
        }

        bool worked = _describeContext != FunctionRequest.NoAnswer && TryDescribe();
        int taken = 0;
        while (taken < RequestsPerRound && _requests.TryPeek(out Span<byte> record) && TryExecute(record, now))
        {
            _requests.Release();
            taken++;
        }

        worked |= taken > 0;
        worked |= ForwardDoorbells(now);
        if (_interrupts.Length > 0 && _interrupts[InterruptIndex.MessageSignalledExtended].HasWaiting)
        {
            _interrupts[InterruptIndex.MessageSignalledExtended].DeliverDue(Volatile.Read(ref _writesDone));
        }

        WakeSocketThread(taken > 0);
        return worked;
    }

    public void OnRegionRead(ulong context, RegionReadStatus status, ReadOnlySpan<byte> data, long now)
    {
        if (!_reads.IsKnown(context))
        {
            return;
        }

        int slot = (int)context;
        Counters.Count(status);
        if (!_reads.Complete(slot, data) && _reads.TryStartPiece(slot, _function, now))
        {
            return;
        }

        _reads.Fail(slot); // of a whole read there is nothing left to fail
        ref readonly RegionReads.Read read = ref _reads[slot];
        Answer(FunctionRequestKind.ReadRegion, read.Context, Errno.None, read.Region, read.Offset, _reads.Data(slot));
        _reads.Remove(slot);
        WakeSocketThread(hasTaken: false);
    }

    public void OnInterrupt(int vector, long now)
    {
        bool isWanted = _interrupts[InterruptIndex.MessageSignalledExtended].Raise(vector, ClientMemory.WritesRequested, Volatile.Read(ref _writesDone));
        Counters.InterruptsUnwanted += isWanted ? 0 : 1;
        WakeSocketThread(hasTaken: false); // for the writes before it
    }

    public void OnStateChanged(RemoteFunctionState state, long now)
    {
        if (state == RemoteFunctionState.Gone && _interrupts.Length > 0)
        {
            // The client is asked to give the device back; QEMU unplugs it from its guest in order.
            _interrupts[InterruptIndex.Request].Raise(0, 0, 0);
        }
    }

    public void OnReplaced(long now)
    {
        // The guest's driver finds the fatal status by itself; what it rang before is not for the new session.
        _description?.Doorbells?.Clear();
    }

    public void OnResetCompleted(bool succeeded, long now)
    {
        if (_resetContext != FunctionRequest.NoAnswer)
        {
            Answer(FunctionRequestKind.Reset, _resetContext, succeeded ? Errno.None : Errno.TimedOut);
            _resetContext = FunctionRequest.NoAnswer;
            WakeSocketThread(hasTaken: false);
        }
    }

    /// <summary>When the socket's thread has ended: leaves the function as a client that goes does.</summary>
    public void Stop(long now)
    {
        IsStopped = true;
        Detach(now);
        _description?.Doorbells?.Dispose();
    }

    public void Dispose() => _reads.Dispose();

    private bool ForwardDoorbells(long now)
    {
        if (!WatchesDoorbells)
        {
            return false;
        }

        int passed = _description!.Doorbells!.Forward(_function, _hops, now);
        Counters.MappedDoorbells += passed;
        return passed > 0;
    }

    private bool TryDescribe()
    {
        if (_function.State == RemoteFunctionState.Connecting)
        {
            return false;
        }

        FunctionDescription description = FunctionDescription.Create(_function, _mapsDoorbells);
        _interrupts = new InterruptLines[InterruptIndex.Count];
        for (int index = 0; index < _interrupts.Length; index++)
        {
            _interrupts[index] = new InterruptLines(description.InterruptCount(index), Events);
        }

        Volatile.Write(ref _description, description);
        Answer(FunctionRequestKind.Describe, _describeContext, Errno.None);
        _describeContext = FunctionRequest.NoAnswer;
        return true;
    }

    private void Answer(FunctionRequestKind kind, long context, int error, int index = 0, ulong offset = 0, ReadOnlySpan<byte> data = default, ulong length = 0)
    {
        // The socket's thread never has more requests open than the ring has room for answers to.
        if (!_answers.TryReserve(FunctionAnswer.Bytes + data.Length, out Span<byte> record))
        {
            throw new InvalidOperationException("The ring of answers is full: more requests were open than it was made for.");
        }

        var answer = new FunctionAnswer
        {
            Kind = kind,
            Error = error,
            Context = context,
            Offset = offset,
            Length = data.IsEmpty ? length : (ulong)data.Length,
            Index = index,
        };
        MemoryMarshal.Write(record, in answer);
        data.CopyTo(record[FunctionAnswer.Bytes..]);
        _answers.Commit();
        _hasAnswered = true;
    }

    private void WakeSocketThread(bool hasTaken)
    {
        bool wantsRoom = hasTaken && Volatile.Read(ref _socketThreadWantsRoom) != 0 && Interlocked.Exchange(ref _socketThreadWantsRoom, 0) != 0;
        if (wantsRoom || _hasAnswered || ClientMemory.HasRequested)
        {
            _hasAnswered = false;
            ClientMemory.HasRequested = false;
            _socketThread.Wake();
        }
    }
}
