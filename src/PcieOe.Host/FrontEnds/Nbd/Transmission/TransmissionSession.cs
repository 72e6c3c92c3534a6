using System.Buffers;
using PcieOe.Host.FrontEnds.Nbd.Protocol;
using PcieOe.Host.NvmeDriver;

namespace PcieOe.Host.FrontEnds.Nbd.Transmission;

/// <summary>
/// The transmission phase of one connection (doc/proto.md): takes the client's bytes as they come, cuts requests into commands of what the
/// device takes at once, and puts replies into a queue as commands end. It has no sockets, threads or clocks. Requests run in parallel and
/// are answered in the order in which they end; the next one is not read before the last one's commands are all made, so that a client
/// that asks for more than its share of memory waits, and nobody else does.
/// </summary>
/// <remarks>
/// A client without structured replies gets the data of a READ in one piece behind one head. Where that takes several commands, the READ
/// has the connection for itself: it starts when nothing is under way, and is answered in order while it is read.
/// </remarks>
internal sealed partial class TransmissionSession : IDisposable
{
    internal const int MaximumRequests = 128;

    /// <summary>Data of a WRITE that is refused is read over up to this length; beyond it the connection ends.</summary>
    internal const uint MaximumDiscardedBytes = 2 * NbdExport.MaximumRequestBytes;

    private const int None = PieceTable.None;

    private readonly NbdExport _export;
    private readonly bool _isStructured;
    private readonly bool _hasBaseAllocation;
    private readonly IBlockCommandSink _device;
    private readonly PieceTable _pieces;
    private readonly Request[] _requests = new Request[MaximumRequests];
    private readonly SlotStack _freeRequests = new(MaximumRequests);
    private int _current = None;
    private int _filling = None;
    private int _filled;
    private uint _discarding;
    private int _flushesDue;

    internal TransmissionSession(NbdExport export, bool isStructured, bool hasBaseAllocation, IBlockCommandSink device, BufferArena arena)
    {
        _export = export;
        _isStructured = isStructured;
        _hasBaseAllocation = hasBaseAllocation;
        _device = device;
        _pieces = new PieceTable(arena);
    }

    internal ReplyQueue Replies { get; } = new();

    /// <summary>The client takes its leave, or sent what cannot be understood: nothing more is read; what is under way is still answered.</summary>
    internal bool IsEnding { get; private set; }

    /// <summary>The stream of replies cannot be kept whole: the connection is to be cut at once.</summary>
    internal bool IsBroken { get; private set; }

    /// <summary>The client broke the protocol.</summary>
    internal bool SawGarbage { get; private set; }

    /// <summary>Commands at the device: the arena may not go before they have ended.</summary>
    internal int CommandsUnderWay { get; private set; }

    internal long RequestsAnswered { get; private set; }

    internal long RequestsFailed { get; private set; }

    /// <summary>Nothing is under way, and all replies are out.</summary>
    internal bool IsIdle => _freeRequests.Used == 0 && CommandsUnderWay == 0 && Replies.Count == 0;

    /// <summary>
    /// Where data of the client's WRITE belongs that comes next in its stream: it may be read from the socket right into this memory,
    /// while nothing else waits to be taken. Empty: read it into a buffer.
    /// </summary>
    internal unsafe Span<byte> DirectBuffer =>
        _filling != None && !IsEnding ? new Span<byte>((byte*)_pieces[_filling].Buffer + _filled, _pieces[_filling].Bytes - _filled) : [];

    /// <summary>So many bytes were put into <see cref="DirectBuffer"/>.</summary>
    internal void OnDirect(int bytes) => _filled += bytes;

    /// <summary>
    /// Goes on as far as the input, the memory and the device allow. Gives the bytes taken; the rest is to be offered again, with more
    /// behind it or after a command has ended.
    /// </summary>
    internal long Consume(ReadOnlySequence<byte> input)
    {
        long before = input.Length;
        while (!IsEnding && Step(ref input))
        {
        }

        while (_flushesDue > 0 && TrySubmitFlush())
        {
        }

        return before - input.Length;
    }

    /// <summary>Reads no further requests; what is half read stays unanswered.</summary>
    internal void End()
    {
        if (IsEnding)
        {
            return;
        }

        IsEnding = true;
        _discarding = 0;
        if (_filling != None)
        {
            _pieces.Release(_filling);
            _filling = None;
        }

        if (_current != None)
        {
            int slot = _current;
            _current = None;
            _pieces.ReleaseRead(slot);
            _requests[slot].IsAbandoned = true;
            _requests[slot].IsIssued = true;
            if (_requests[slot].Commands == 0)
            {
                _freeRequests.Return(slot);
            }
        }
    }

    public void Dispose() => Replies.Dispose();

    private bool Step(ref ReadOnlySequence<byte> input)
    {
        if (_discarding > 0)
        {
            return Discard(ref input);
        }

        if (_current == None)
        {
            return TryBegin(ref input);
        }

        switch (_requests[_current].Header.Command)
        {
            case NbdCommand.Write:
                return FillAndIssue(ref input);
            case NbdCommand.Read:
                return IssueRead();
            default:
                return IssueWithoutData();
        }
    }

    private bool TryBegin(ref ReadOnlySequence<byte> input)
    {
        if (input.Length < RequestHeader.Bytes || _freeRequests.IsEmpty || !HasReplyRoom)
        {
            return false;
        }

        if (!RequestHeader.TryParse(input, out RequestHeader header) || header.PayloadBytes > MaximumDiscardedBytes)
        {
            SawGarbage = true;
            End();
            return false;
        }

        if (header.Command == NbdCommand.Disconnect)
        {
            End();
            return false;
        }

        input = input.Slice(RequestHeader.Bytes);
        int slot = _freeRequests.Take();
        NbdError error = RequestRules.Check(header, _export, _isStructured, _hasBaseAllocation);
        _requests[slot] = new Request { Header = header, Error = error };
        if (error != NbdError.None && header.PayloadBytes > 0)
        {
            _current = slot;
            _discarding = header.PayloadBytes;
        }
        else if (error != NbdError.None || header.Command is NbdCommand.Cache or NbdCommand.BlockStatus)
        {
            Answer(slot); // CACHE is advice: the far device's memory is no nearer for being read once
        }
        else
        {
            _current = slot;
            _requests[slot].NeedsFlush = header.Command == NbdCommand.Trim && (header.Flags & CommandFlags.ForceUnitAccess) != 0;
        }

        return true;
    }

    private bool Discard(ref ReadOnlySequence<byte> input)
    {
        long bytes = Math.Min(_discarding, input.Length);
        input = input.Slice(bytes);
        _discarding -= (uint)bytes;
        if (_discarding == 0)
        {
            int slot = _current;
            _current = None;
            Answer(slot);
        }

        return bytes > 0;
    }

    private unsafe bool FillAndIssue(ref ReadOnlySequence<byte> input)
    {
        ref Request request = ref _requests[_current];
        if (_filling == None)
        {
            if (input.IsEmpty || !_pieces.TryAdd(_current, NextOffset(request), NextBytes(request), out _filling))
            {
                return false;
            }

            _filled = 0;
        }

        ref Piece piece = ref _pieces[_filling];
        int bytes = (int)Math.Min(piece.Bytes - _filled, input.Length);
        if (bytes > 0)
        {
            input.Slice(0, bytes).CopyTo(new Span<byte>((byte*)piece.Buffer + _filled, bytes));
            input = input.Slice(bytes);
            _filled += bytes;
        }

        if (_filled < piece.Bytes || !TrySubmit(_filling, BlockOperation.Write))
        {
            return false;
        }

        request.IssuedBytes += (uint)piece.Bytes;
        _filling = None;
        return EndIfIssued(ref request);
    }

    private bool IssueRead()
    {
        ref Request request = ref _requests[_current];
        if (!_isStructured && request.Header.Length > (uint)_export.CommandBytes)
        {
            return IssueOrderedRead(ref request);
        }

        if (!TryIssueReadPiece(ref request))
        {
            return false;
        }

        return EndIfIssued(ref request);
    }

    private bool TryIssueReadPiece(ref Request request)
    {
        if (!HasReplyRoom || !_pieces.TryAdd(_current, NextOffset(request), NextBytes(request), out int piece))
        {
            return false;
        }

        if (!TrySubmit(piece, BlockOperation.Read))
        {
            _pieces.Release(piece);
            return false;
        }

        request.IssuedBytes += (uint)_pieces[piece].Bytes;
        return true;
    }

    private bool IssueWithoutData()
    {
        ref Request request = ref _requests[_current];
        if (_pieces.IsFull)
        {
            return false;
        }

        (BlockOperation operation, uint bytes) = request.Header.Command switch
        {
            NbdCommand.Flush => (BlockOperation.Flush, 0U),
            NbdCommand.Trim => (BlockOperation.Trim, request.Header.Length),
            _ => (BlockOperation.WriteZeroes, Math.Min(request.Header.Length - request.IssuedBytes, MaximumZeroesBlocks * (uint)_export.BlockBytes)),
        };
        int piece = _pieces.Add(_current, NextOffset(request));
        if (!TrySubmit(piece, operation, bytes))
        {
            _pieces.Release(piece);
            return false;
        }

        request.IssuedBytes += bytes;
        return EndIfIssued(ref request);
    }

    private bool EndIfIssued(ref Request request)
    {
        if (request.IssuedBytes == request.Header.Length)
        {
            request.IsIssued = true;
            _current = None;
        }

        return true;
    }
}
