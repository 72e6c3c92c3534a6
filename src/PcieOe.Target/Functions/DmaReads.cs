using PcieOe.Protocol.Functions;
using PcieOe.Protocol.Link;
using PcieOe.Protocol.Tlp;

namespace PcieOe.Target.Functions;

/// <summary>
/// A function's DMA reads: cut into requests, several outstanding, joined again from completions that may come in any order between
/// requests, and that are not believed. Open reads take turns request by request, so a long one does not hold up a short one.
/// All times are lane time.
/// </summary>
internal sealed class DmaReads
{
    public const int MaximumReadBytes = 1 << 20;

    private const int NoRead = -1;

    private readonly IPcieFunction _function;
    private readonly FunctionBridgeCounters _counters;
    private readonly ReadRequests _requests;
    private readonly Read[] _reads;
    private readonly int[] _freeReads;
    private readonly int[] _queue;
    private readonly long _timeoutNanoseconds;
    private int _freeCount;
    private int _queueHead;
    private int _queueCount;
    private bool _wasRefused;

    public DmaReads(IPcieFunction function, FunctionBridgeOptions options, FunctionBridgeCounters counters)
    {
        _function = function;
        _counters = counters;
        _timeoutNanoseconds = options.CompletionTimeoutMilliseconds * 1_000_000L;
        _requests = new ReadRequests(options.TagBits, options.TagQuarantineMilliseconds * 1_000_000L);
        _reads = new Read[options.MaximumReads];
        _freeReads = new int[options.MaximumReads];
        _queue = new int[options.MaximumReads];
        FreeAllReads();
    }

    /// <summary>MRRS of the function's device control register.</summary>
    public int MaximumRequestBytes { get; set; }

    public RoutingId RequesterId { get; set; }

    public int OutstandingRequests => _requests.Count;

    /// <summary>Requests wait for room or for tags.</summary>
    public bool HasUnsent => _queueCount > 0;

    public long NextDeadline => HasUnsent ? Math.Min(_requests.OldestDeadline, _requests.NextFreeTagAt) : _requests.OldestDeadline;

    public bool TryOpen(ulong address, int length, DmaReadId id)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(length, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, MaximumReadBytes);
        if (_freeCount == 0)
        {
            _wasRefused = true;
            return false;
        }

        int index = _freeReads[--_freeCount];

        // The address may be the host's word: a range that wraps round is one that nobody claims.
        bool wraps = address + (uint)(length - 1) < address;
        _reads[index] = new Read
        {
            Id = id,
            Address = address,
            Length = length,
            Status = wraps ? DmaReadStatus.UnsupportedRequest : DmaReadStatus.Success,
        };
        Enqueue(index);
        return true;
    }

    /// <summary>Sends requests while there are tags and room.</summary>
    public void Send(ITlpTransmitter lane, long laneNow, long now)
    {
        while (_queueCount > 0)
        {
            int index = _queue[_queueHead];
            ref Read read = ref _reads[index];
            if (read.Status != DmaReadStatus.Success)
            {
                Dequeue();
                EndIfDone(index, now);
                continue;
            }

            ulong address = read.Address + (uint)read.Requested;
            int length = RequestSplitter.PieceBytes(address, read.Length - read.Requested, MaximumRequestBytes);
            int bytes = TlpLimits.MemoryHeaderBytes(address);
            if (!_requests.HasFreeTag)
            {
                return;
            }

            Span<byte> tlp = lane.Reserve(bytes);
            if (tlp.IsEmpty || !_requests.TryAdd(out ushort tag))
            {
                return;
            }

            MemoryRequestHeader.Read(address, length, RequesterId, tag).Write(tlp);
            lane.Commit(bytes);
            _counters.ReadRequestsSent++;
            ref ReadRequest request = ref _requests[tag];
            request.Read = index;
            request.Offset = read.Requested;
            request.RequesterId = RequesterId;
            request.Reassembly = new ReadReassembly(address, length);
            request.Deadline = laneNow + _timeoutNanoseconds;
            read.Requested += length;
            read.Outstanding++;
            Dequeue();
            if (read.Requested < read.Length)
            {
                Enqueue(index);
            }
        }
    }

    /// <param name="isMalformed">The completion breaks a rule by itself; it fails its request.</param>
    public void OnCompletion(in TlpView completion, bool isMalformed, long laneNow, long now)
    {
        ushort tag = completion.Tag;
        if (!_requests.IsOut(tag) || _requests[tag].RequesterId != completion.RequesterId)
        {
            if (_requests.IsQuarantined(tag))
            {
                _counters.LateCompletions++;
            }
            else
            {
                _counters.UnexpectedCompletions++;
            }

            return;
        }

        ref ReadRequest request = ref _requests[tag];
        int offset = 0;
        ReadOnlySpan<byte> data = default;
        ReassemblyResult result = isMalformed ? ReassemblyResult.Malformed : request.Reassembly.Accept(completion, out offset, out data);
        if (!data.IsEmpty && request.Read != NoRead && _reads[request.Read].Status == DmaReadStatus.Success)
        {
            _function.OnReadData(_reads[request.Read].Id, request.Offset + offset, data, now);
        }

        switch (result)
        {
            case ReassemblyResult.Piece:
                break;
            case ReassemblyResult.Last:
                EndRequest(tag, DmaReadStatus.Success, mayStillBeAnswered: false, laneNow, now);
                break;
            case ReassemblyResult.Failed:
                _counters.FailedReadRequests++;
                bool isAbort = completion.CompletionStatus == CompletionStatus.CompleterAbort;
                EndRequest(tag, isAbort ? DmaReadStatus.CompleterAbort : DmaReadStatus.UnsupportedRequest, mayStillBeAnswered: false, laneNow, now);
                break;
            case ReassemblyResult.Poisoned:
                _counters.PoisonedCompletions++;
                EndRequest(tag, DmaReadStatus.CompleterAbort, mayStillBeAnswered: true, laneNow, now);
                break;
            default:
                _counters.MalformedCompletions++;
                EndRequest(tag, DmaReadStatus.CompleterAbort, mayStillBeAnswered: true, laneNow, now);
                break;
        }
    }

    public void OnTimer(long laneNow, long now)
    {
        _requests.OnTimer(laneNow);
        while (_requests.OldestDeadline <= laneNow)
        {
            _counters.TimedOutReadRequests++;
            EndRequest((ushort)_requests.Oldest, DmaReadStatus.TimedOut, mayStillBeAnswered: true, laneNow, now);
        }
    }

    /// <summary>Tells the function once that a read it was refused may be tried again.</summary>
    public void OfferRoom(long now)
    {
        if (_wasRefused && _freeCount > 0)
        {
            _wasRefused = false;
            _function.OnReadRoom(now);
        }
    }

    /// <summary>The function forgets its reads. Requests that are out keep their tags until they are answered or time out.</summary>
    public void Abandon()
    {
        FreeAllReads();
        for (int tag = _requests.Oldest; tag != ReadRequests.NoTag; tag = _requests[tag].Newer)
        {
            _requests[tag].Read = NoRead;
        }
    }

    /// <summary>As <see cref="Abandon"/>, on a new lane, where no answer to an old request can come.</summary>
    public void Clear()
    {
        FreeAllReads();
        _requests.Clear();
    }

    private void EndRequest(ushort tag, DmaReadStatus status, bool mayStillBeAnswered, long laneNow, long now)
    {
        int index = _requests[tag].Read;
        _requests.Remove(tag, mayStillBeAnswered, laneNow);
        if (index == NoRead)
        {
            return;
        }

        ref Read read = ref _reads[index];
        read.Outstanding--;
        if (read.Status == DmaReadStatus.Success)
        {
            read.Status = status;
        }

        EndIfDone(index, now);
    }

    /// <summary>A read ends when nothing of it is out and nothing will be sent any more; one that failed is first taken from the queue.</summary>
    private void EndIfDone(int index, long now)
    {
        ref Read read = ref _reads[index];
        if (read.Outstanding > 0 || read.IsQueued)
        {
            return;
        }

        DmaReadId id = read.Id;
        DmaReadStatus status = read.Status;
        _freeReads[_freeCount++] = index;
        _function.OnReadCompleted(id, status, now);
    }

    private void Enqueue(int index)
    {
        _reads[index].IsQueued = true;
        int tail = _queueHead + _queueCount++;
        _queue[tail >= _queue.Length ? tail - _queue.Length : tail] = index;
    }

    private void Dequeue()
    {
        _reads[_queue[_queueHead]].IsQueued = false;
        _queueHead = _queueHead + 1 == _queue.Length ? 0 : _queueHead + 1;
        _queueCount--;
    }

    private void FreeAllReads()
    {
        _queueHead = _queueCount = 0;
        _wasRefused = false;
        _freeCount = _reads.Length;
        for (int index = 0; index < _reads.Length; index++)
        {
            _freeReads[index] = _reads.Length - 1 - index;
        }
    }

    /// <summary>A read as the function asked for it.</summary>
    private struct Read
    {
        public DmaReadId Id;
        public ulong Address;
        public int Length;
        public int Requested;
        public int Outstanding;
        public DmaReadStatus Status;
        public bool IsQueued;
    }
}
