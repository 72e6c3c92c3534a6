using PcieOe.Protocol.Link;
using PcieOe.Protocol.Tlp;

namespace PcieOe.Host.RootComplex;

/// <summary>
/// Answers the function's memory reads out of the DMA window: every accepted request is answered, in order, as frames have room. The
/// window is asked again for each completion, so that a range withdrawn in between is out of reach.
/// </summary>
internal sealed class DmaResponder : IDisposable
{
    /// <summary>As many as the function can have tags for; more come only from one that breaks the rules, and are dropped.</summary>
    public const int MaximumReads = 1024;

    /// <summary>Where completions are cut: the boundary of root complexes (PCIe base spec. 2.3.1.1).</summary>
    private const int ReadCompletionBoundaryBytes = 128;

    /// <summary>Pieces smaller than this are not worth a header of their own to fill a frame.</summary>
    private const int MinimumFillBytes = 512;

    private const int QueueMask = MaximumReads * 2 - 1;

    private readonly DmaWindow _window;
    private readonly RootComplexCounters _counters;
    private readonly RoutingId _completer;
    private readonly long _clientTimeoutNanoseconds;
    private readonly ReadJob[] _queue = new ReadJob[QueueMask + 1];
    private readonly ReadJob[] _asked = new ReadJob[DmaClientReads.Capacity];
    private readonly DmaClientReads _clientReads = new();
    private uint _head;
    private uint _tail;

    public DmaResponder(DmaWindow window, RootComplexCounters counters, RoutingId completer, long clientTimeoutNanoseconds)
    {
        _window = window;
        _counters = counters;
        _completer = completer;
        _clientTimeoutNanoseconds = clientTimeoutNanoseconds;
    }

    /// <summary>MPS, bytes.</summary>
    public int MaximumPayloadBytes { get; set; } = 128;

    public int WaitingReads => (int)(_tail - _head);

    public long NextDeadline => _clientReads.NextDeadline;

    /// <summary>Takes a memory read that keeps the rules.</summary>
    public void OnRead(in TlpView request, long now)
    {
        _counters.DmaReads++;
        ByteEnables enables = request.ByteEnables;
        ReadJob job = new()
        {
            Address = request.Address + (uint)enables.FirstByteOffset,
            Remaining = enables.ByteCount(request.LengthDoublewords),
            Requester = request.RequesterId,
            Tag = request.Tag,
            Attributes = request.Attributes,
            Slot = ReadJob.NoSlot,
        };
        switch (_window.Reach(job.Address, job.Remaining, DmaAccess.Read))
        {
            case DmaReach.Direct:
                Enqueue(job);
                break;
            case DmaReach.ThroughClient:
                AskClient(job, now);
                break;
            default:
                Refuse(ref job);
                Enqueue(job);
                break;
        }
    }

    /// <summary>Answers a request of a kind that nobody here claims.</summary>
    public void OnUnsupported(in TlpView request) => Enqueue(new ReadJob
    {
        Status = CompletionStatus.UnsupportedRequest,
        Requester = request.RequesterId,
        Tag = request.Tag,
        Attributes = request.Attributes,
        Slot = ReadJob.NoSlot,
    });

    /// <summary>The client's answer to <see cref="IDmaMemory.TryStartRead"/>.</summary>
    public void OnClientAnswer(DmaReadTicket ticket, ReadOnlySpan<byte> data)
    {
        if (!_clientReads.TryAnswer(ticket, data, out int slot, out bool succeeded))
        {
            return;
        }

        if (succeeded)
        {
            EnqueueAlways(_asked[slot]);
        }
        else
        {
            Abort(slot);
        }
    }

    /// <summary>A range was withdrawn: reads that ask a client for it are answered now.</summary>
    public void OnUnmapped(ulong first, ulong last)
    {
        for (int slot = 0; slot < DmaClientReads.Capacity; slot++)
        {
            if (_clientReads.IsAsked(slot) && _clientReads.Touches(slot, first, last))
            {
                ReadJob job = _asked[slot];
                _clientReads.Remove(slot);
                Refuse(ref job);
                EnqueueAlways(job);
            }
        }
    }

    public void OnTimer(long now)
    {
        while (_clientReads.TryGetExpired(now, out int slot))
        {
            Abort(slot);
        }
    }

    /// <summary>Writes completions while there is room.</summary>
    public void Pump(ITlpTransmitter transmitter)
    {
        while (_head != _tail)
        {
            ref ReadJob job = ref _queue[_head & QueueMask];
            if (!TryComplete(ref job, transmitter))
            {
                return;
            }

            if (job.Slot != ReadJob.NoSlot)
            {
                _clientReads.Remove(job.Slot);
            }

            _head++;
        }
    }

    /// <summary>A new session: nobody waits for these answers any more.</summary>
    public void Clear()
    {
        _head = _tail = 0;
        for (int slot = 0; slot < DmaClientReads.Capacity; slot++)
        {
            _clientReads.Remove(slot);
        }
    }

    public void Dispose() => _clientReads.Dispose();

    private void Enqueue(in ReadJob job)
    {
        if (WaitingReads >= MaximumReads)
        {
            _counters.DmaReadsDropped++;
            return;
        }

        EnqueueAlways(job);
    }

    /// <summary>For reads that were accepted before: the queue has a place for each slot beyond its limit.</summary>
    private void EnqueueAlways(in ReadJob job) => _queue[_tail++ & QueueMask] = job;

    private void AskClient(ReadJob job, long now)
    {
        if (WaitingReads >= MaximumReads
            || !_clientReads.TryAdd(job.Address, job.Remaining, now + _clientTimeoutNanoseconds, out int slot, out DmaReadTicket ticket))
        {
            _counters.DmaReadsAborted++;
            job.Status = CompletionStatus.CompleterAbort;
            Enqueue(job);
            return;
        }

        job.Slot = slot;
        _asked[slot] = job;
        IDmaMemory client = _window.Find(job.Address).Client!;
        if (!client.TryStartRead(job.Address, job.Remaining, ticket, now))
        {
            Abort(slot);
        }
    }

    private void Abort(int slot)
    {
        _counters.DmaReadsAborted++;
        ReadJob job = _asked[slot];
        _clientReads.Remove(slot);
        job.Slot = ReadJob.NoSlot;
        job.Status = CompletionStatus.CompleterAbort;
        EnqueueAlways(job);
    }

    private void Refuse(ref ReadJob job)
    {
        _counters.DmaReadsRefused++;
        job.Slot = ReadJob.NoSlot;
        job.Status = CompletionStatus.UnsupportedRequest;
    }

    /// <summary>True: the request has been answered to its end.</summary>
    private bool TryComplete(ref ReadJob job, ITlpTransmitter transmitter)
    {
        while (job.Status == CompletionStatus.SuccessfulCompletion)
        {
            if (job.Slot == ReadJob.NoSlot && _window.Reach(job.Address, job.Remaining, DmaAccess.Read) != DmaReach.Direct)
            {
                Refuse(ref job);
                break;
            }

            int room = transmitter.RoomBytes - CompletionHeader.WrittenLength & -ReadCompletionBoundaryBytes;
            int limit = room >= MinimumFillBytes ? Math.Min(room, MaximumPayloadBytes) : MaximumPayloadBytes;
            CompletionPiece piece = new CompletionSplitter(job.Address, job.Remaining, limit, ReadCompletionBoundaryBytes).Peek();
            int dataBytes = piece.LengthDoublewords * TlpLimits.DoublewordBytes;
            Span<byte> tlp = transmitter.Reserve(CompletionHeader.WrittenLength + dataBytes);
            if (tlp.IsEmpty)
            {
                return false;
            }

            Header(job, piece.LengthDoublewords, piece.ByteCount, piece.LowerAddress).Write(tlp);
            Span<byte> data = tlp[CompletionHeader.WrittenLength..];
            ZeroPadding(data, piece);
            Copy(job, data.Slice(piece.PaddingBytes, piece.Bytes));
            transmitter.Commit(tlp.Length);
            _counters.DmaReadBytes += piece.Bytes;
            job.Address += (uint)piece.Bytes;
            job.Remaining -= piece.Bytes;
            job.Sent += piece.Bytes;
            if (piece.IsLast)
            {
                return true;
            }
        }

        Span<byte> error = transmitter.Reserve(CompletionHeader.WrittenLength);
        if (error.IsEmpty)
        {
            return false;
        }

        Header(job, 0, CompletionHeader.PlainByteCount, 0).Write(error);
        transmitter.Commit(error.Length);
        return true;
    }

    private void Copy(in ReadJob job, Span<byte> destination)
    {
        if (job.Slot == ReadJob.NoSlot)
        {
            _window.Read(job.Address, destination);
        }
        else
        {
            _clientReads.Data(job.Slot).Slice(job.Sent, destination.Length).CopyTo(destination);
        }
    }

    /// <summary>The don't-care bytes at both ends: nothing of ours may show in them.</summary>
    private static void ZeroPadding(Span<byte> data, in CompletionPiece piece)
    {
        data[..piece.PaddingBytes].Clear();
        data[(piece.PaddingBytes + piece.Bytes)..].Clear();
    }

    private CompletionHeader Header(in ReadJob job, int lengthDoublewords, int byteCount, byte lowerAddress) => new()
    {
        CompleterId = _completer,
        Status = job.Status,
        RequesterId = job.Requester,
        Tag = job.Tag,
        LengthDoublewords = lengthDoublewords,
        ByteCount = byteCount,
        LowerAddress = lowerAddress,
        Attributes = job.Attributes,
    };

    private struct ReadJob
    {
        public const int NoSlot = -1;

        /// <summary>Of the next byte to be sent.</summary>
        public ulong Address;
        public int Remaining;
        public int Sent;

        /// <summary>Where a client's answer lies, or <see cref="NoSlot"/> for memory that is read in place.</summary>
        public int Slot;
        public RoutingId Requester;
        public ushort Tag;
        public TlpAttributes Attributes;
        public CompletionStatus Status;
    }
}
