using System.Buffers.Binary;
using PcieOe.Protocol.Functions;
using PcieOe.Protocol.Link;
using PcieOe.Protocol.Tlp;

namespace PcieOe.Target.Functions;

/// <summary>
/// Carries the host's requests out on the function and answers them. Writes and configuration take effect when they come; memory is read
/// when there is room for the completion, straight into it. (So a write may pass a waiting read, as PCIe allows.)
/// </summary>
internal sealed class RequestCompleter(IPcieFunction function, int maximumAnswers, FunctionBridgeCounters counters)
{
    /// <summary>RCB of everything but a root complex (PCIe base spec. 2.3.1.1).</summary>
    private const int ReadCompletionBoundaryBytes = 128;

    private readonly Answer[] _answers = new Answer[maximumAnswers];
    private readonly byte[] _scratch = new byte[TlpLimits.DoublewordBytes];
    private int _head;
    private int _count;

    /// <summary>MPS of the function's device control register.</summary>
    public int MaximumPayloadBytes { get; set; }

    /// <summary>Bus and device number as the last configuration write named them (PCIe base spec. 2.2.6.2).</summary>
    public RoutingId CompleterId { get; private set; }

    /// <summary>False: configuration requests are to be tried again later, memory is not there yet (PCIe base spec. 2.3.1).</summary>
    public bool IsFunctionReady { get; set; } = true;

    public bool HasUnsent => _count > 0;

    /// <summary>Forgets what waits for an answer.</summary>
    public void Clear()
    {
        _head = _count = 0;
        CompleterId = default;
    }

    public void Write(in TlpView request, long now)
    {
        if (!IsFunctionReady)
        {
            counters.UnclaimedWrites++;
            return;
        }

        ByteEnables enables = request.ByteEnables;
        int doublewords = request.LengthDoublewords;
        bool isClaimed = true;
        for (int start = 0; enables.TryNextRun(doublewords, start, out int offset, out int length); start = offset + length)
        {
            isClaimed &= function.TryWriteMemory(request.Address + (uint)offset, request.Payload.Slice(offset, length), now);
        }

        counters.UnclaimedWrites += isClaimed ? 0 : 1;
    }

    public void Read(in TlpView request)
    {
        if (!IsFunctionReady)
        {
            Refuse(request, CompletionStatus.UnsupportedRequest);
            return;
        }

        Queue(new Answer
        {
            Kind = AnswerKind.Memory,
            RequesterId = request.RequesterId,
            Tag = request.Tag,
            Attributes = request.Attributes,
            Address = request.Address,
            LengthDoublewords = request.LengthDoublewords,
            ByteEnables = request.ByteEnables,
            Pieces = new CompletionSplitter(request, MaximumPayloadBytes, ReadCompletionBoundaryBytes),
        });
    }

    public void ReadConfig(in TlpView request)
    {
        if (CanConfigure(request))
        {
            Queue(AnswerTo(request, AnswerKind.Config, CompletionStatus.SuccessfulCompletion) with { Value = function.ReadConfig(request.RegisterOffset) });
        }
    }

    /// <summary>True if the write was carried out.</summary>
    public bool WriteConfig(in TlpView request, long now)
    {
        if (!CanConfigure(request))
        {
            return false;
        }

        CompleterId = request.DestinationId;
        if (request.ByteEnables.First != 0)
        {
            function.WriteConfig(request.RegisterOffset, BinaryPrimitives.ReadUInt32LittleEndian(request.Payload), request.ByteEnables.First, now);
        }

        Queue(AnswerTo(request, AnswerKind.Plain, CompletionStatus.SuccessfulCompletion));
        return true;
    }

    /// <summary>Answers without data.</summary>
    public void Refuse(in TlpView request, CompletionStatus status)
    {
        counters.UnsupportedRequests += status == CompletionStatus.UnsupportedRequest ? 1 : 0;
        Queue(AnswerTo(request, AnswerKind.Plain, status));
    }

    /// <summary>Sends answers, the oldest first, while there is room.</summary>
    public void Send(ITlpTransmitter lane, long now)
    {
        while (_count > 0 && TrySend(ref _answers[_head], lane, now))
        {
            _head = _head + 1 == _answers.Length ? 0 : _head + 1;
            _count--;
        }
    }

    private bool CanConfigure(in TlpView request)
    {
        if (!IsFunctionReady)
        {
            Refuse(request, CompletionStatus.ConfigurationRequestRetry);
            return false;
        }

        // One function; nothing lies behind it.
        if (request.Type is TlpType.ConfigRead1 or TlpType.ConfigWrite1 || request.DestinationId.Function != 0)
        {
            Refuse(request, CompletionStatus.UnsupportedRequest);
            return false;
        }

        return true;
    }

    private static Answer AnswerTo(in TlpView request, AnswerKind kind, CompletionStatus status) => new()
    {
        Kind = kind,
        Status = status,
        RequesterId = request.RequesterId,
        Tag = request.Tag,
        Attributes = request.Attributes,
    };

    private void Queue(in Answer answer)
    {
        if (_count == _answers.Length)
        {
            counters.DroppedRequests++;
            return;
        }

        int tail = _head + _count++;
        _answers[tail >= _answers.Length ? tail - _answers.Length : tail] = answer;
    }

    private bool TrySend(ref Answer answer, ITlpTransmitter lane, long now)
    {
        if (answer.Kind == AnswerKind.Memory)
        {
            return TrySendMemory(ref answer, lane, now);
        }

        int doublewords = answer.Kind == AnswerKind.Config ? 1 : 0;
        int bytes = CompletionHeader.WrittenLength + doublewords * TlpLimits.DoublewordBytes;
        Span<byte> tlp = lane.Reserve(bytes);
        if (tlp.IsEmpty)
        {
            return false;
        }

        Header(answer, answer.Status, doublewords, CompletionHeader.PlainByteCount, 0).Write(tlp);
        if (doublewords > 0)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(tlp[CompletionHeader.WrittenLength..], answer.Value);
        }

        lane.Commit(bytes);
        return true;
    }

    private bool TrySendMemory(ref Answer answer, ITlpTransmitter lane, long now)
    {
        while (true)
        {
            CompletionPiece piece = answer.Pieces.Peek();
            int bytes = CompletionHeader.WrittenLength + piece.LengthDoublewords * TlpLimits.DoublewordBytes;
            Span<byte> tlp = lane.Reserve(bytes);
            if (tlp.IsEmpty)
            {
                return false;
            }

            if (!TryReadPiece(answer, piece, tlp[CompletionHeader.WrittenLength..], now))
            {
                counters.UnsupportedRequests++;
                Header(answer, CompletionStatus.UnsupportedRequest, 0, piece.ByteCount, piece.LowerAddress).Write(tlp);
                lane.Commit(CompletionHeader.WrittenLength);
                return true;
            }

            Header(answer, CompletionStatus.SuccessfulCompletion, piece.LengthDoublewords, piece.ByteCount, piece.LowerAddress).Write(tlp);
            lane.Commit(bytes);
            answer.Pieces.TryNext(out _);
            if (piece.IsLast)
            {
                return true;
            }
        }
    }

    private bool TryReadPiece(in Answer answer, in CompletionPiece piece, Span<byte> data, long now)
    {
        if (answer.ByteEnables.IsContiguous(answer.LengthDoublewords))
        {
            int padding = piece.PaddingBytes;
            data[..padding].Clear();
            data[(padding + piece.Bytes)..].Clear();
            ulong address = answer.Address + (uint)(answer.ByteEnables.FirstByteOffset + piece.Offset);
            return function.TryReadMemory(address, data.Slice(padding, piece.Bytes), now);
        }

        // With holes there are two doublewords at most, so this piece is the whole answer. Bytes not enabled are not read.
        data.Clear();
        bool isRead = false;
        for (int start = 0; answer.ByteEnables.TryNextRun(answer.LengthDoublewords, start, out int offset, out int length); start = offset + length)
        {
            if (!function.TryReadMemory(answer.Address + (uint)offset, data.Slice(offset, length), now))
            {
                return false;
            }

            isRead = true;
        }

        // A zero-length read asks only whether somebody is there.
        return isRead || function.TryReadMemory(answer.Address, _scratch, now);
    }

    private CompletionHeader Header(in Answer answer, CompletionStatus status, int doublewords, int byteCount, byte lowerAddress) => new()
    {
        CompleterId = CompleterId,
        Status = status,
        RequesterId = answer.RequesterId,
        Tag = answer.Tag,
        LengthDoublewords = doublewords,
        ByteCount = byteCount,
        LowerAddress = lowerAddress,
        Attributes = answer.Attributes,
    };

    private enum AnswerKind : byte
    {
        /// <summary>Without data.</summary>
        Plain,

        /// <summary>One doubleword of configuration space, read already.</summary>
        Config,

        /// <summary>Memory, still to be read.</summary>
        Memory,
    }

    private record struct Answer
    {
        public AnswerKind Kind;
        public CompletionStatus Status;
        public RoutingId RequesterId;
        public ushort Tag;
        public TlpAttributes Attributes;
        public ByteEnables ByteEnables;
        public int LengthDoublewords;
        public uint Value;
        public ulong Address;
        public CompletionSplitter Pieces;
    }
}
