using PcieOe.Host.FrontEnds.Nbd.Protocol;
using PcieOe.Host.NvmeDriver;
using PcieOe.Protocol.Nvme;

namespace PcieOe.Host.FrontEnds.Nbd.Transmission;

/// <content>Commands to the device, and replies when they end.</content>
internal sealed partial class TransmissionSession
{
    /// <summary>What the device zeroes with one command.</summary>
    private const uint MaximumZeroesBlocks = 65536;

    /// <summary>Each piece and each request that is open may still give a reply.</summary>
    private bool HasReplyRoom => Replies.Free > _pieces.Count + _freeRequests.Used + 1;

    /// <summary>A command has ended.</summary>
    /// <param name="index">The context that it had.</param>
    internal void OnCompleted(int index, NvmeStatus status)
    {
        CommandsUnderWay--;
        int slot = _pieces[index].Request;
        ref Request request = ref _requests[slot];
        request.Commands--;
        NbdError error = RequestRules.ErrorOf(status);
        if (request.Error == NbdError.None)
        {
            request.Error = error;
        }

        bool isLast = request.IsIssued && request.Commands == 0;
        if (request.IsAbandoned)
        {
            _pieces.Release(index);
            if (isLast)
            {
                _freeRequests.Return(slot);
            }
        }
        else if (request.Header.Command != NbdCommand.Read)
        {
            _pieces.Release(index);
            EndIfLast(slot, isLast);
        }
        else if (_isStructured)
        {
            ReplyWithChunk(index, slot, error, isLast);
        }
        else if (slot == _current)
        {
            _pieces[index].IsRead = error == NbdError.None;
            if (error != NbdError.None)
            {
                _pieces.Release(index);
            }
        }
        else
        {
            ReplyAtOnce(index, slot, error, isLast);
        }
    }

    /// <summary>All of a reply with this piece's data has gone out.</summary>
    internal void OnPieceSent(int index) => _pieces.Release(index);

    private void EndIfLast(int slot, bool isLast)
    {
        ref Request request = ref _requests[slot];
        if (!isLast)
        {
            return;
        }

        if (request.NeedsFlush && request.Error == NbdError.None)
        {
            _flushesDue++; // by the next Consume
            return;
        }

        Answer(slot);
    }

    private bool TrySubmitFlush()
    {
        int slot = Array.FindIndex(_requests, static request => request is { NeedsFlush: true, IsIssued: true, Commands: 0, Error: NbdError.None });
        if (_pieces.IsFull)
        {
            return false;
        }

        int piece = _pieces.Add(slot, NextOffset(_requests[slot]));
        if (!TrySubmit(piece, BlockOperation.Flush))
        {
            _pieces.Release(piece);
            return false;
        }

        _requests[slot].NeedsFlush = false;
        _flushesDue--;
        return true;
    }

    /// <summary>A READ without structured replies that takes several commands: alone, and answered from front to back.</summary>
    private bool IssueOrderedRead(ref Request request)
    {
        if (request.IssuedBytes == 0 && _freeRequests.Used > 1)
        {
            return false;
        }

        bool moved = ReplyInOrder(ref request);
        if (request.Error != NbdError.None)
        {
            if (request.Commands > 0)
            {
                return moved;
            }

            int slot = _current;
            _pieces.ReleaseRead(slot);
            if (request.RepliedBytes > 0)
            {
                // Its head, which promises all of the data, has gone: there is no other way to say that it failed.
                IsBroken = true;
                End();
                return false;
            }

            _current = None;
            Answer(slot);
            return true;
        }

        if (request.RepliedBytes == request.Header.Length)
        {
            int slot = _current;
            _current = None;
            CountAnswer(slot);
            return true;
        }

        return (request.IssuedBytes < request.Header.Length && TryIssueReadPiece(ref request)) || moved;
    }

    private bool ReplyInOrder(ref Request request)
    {
        bool moved = false;
        while (request.RepliedBytes < request.IssuedBytes && request.Error == NbdError.None)
        {
            ulong offset = request.Header.Offset + request.RepliedBytes;
            int index = _pieces.FindRead(offset);
            if (index == None)
            {
                break;
            }

            ref Piece piece = ref _pieces[index];
            piece.IsRead = false;
            int headBytes = request.RepliedBytes == 0 ? ReplyHeaders.WriteSimple(Replies.NextHead, request.Header.Cookie, NbdError.None) : 0;
            Replies.Add(headBytes, piece.Buffer, piece.Bytes, index);
            request.RepliedBytes += (uint)piece.Bytes;
            moved = true;
        }

        return moved;
    }

    private void ReplyWithChunk(int index, int slot, NbdError error, bool isLast)
    {
        ref Request request = ref _requests[slot];
        ref Piece piece = ref _pieces[index];
        ChunkFlags flags = isLast ? ChunkFlags.Done : ChunkFlags.None;
        if (error == NbdError.None)
        {
            int bytes = ReplyHeaders.WriteData(Replies.NextHead, request.Header.Cookie, piece.Offset, piece.Bytes, flags);
            Replies.Add(bytes, piece.Buffer, piece.Bytes, index);
        }
        else
        {
            Replies.Add(ReplyHeaders.WriteErrorOffset(Replies.NextHead, request.Header.Cookie, error, piece.Offset, flags));
            _pieces.Release(index);
        }

        if (isLast)
        {
            CountAnswer(slot);
        }
    }

    private void ReplyAtOnce(int index, int slot, NbdError error, bool isLast)
    {
        ref Request request = ref _requests[slot];
        ref Piece piece = ref _pieces[index];
        if (!isLast)
        {
            throw new InvalidOperationException("A READ of several commands is not answered in order.");
        }

        int bytes = ReplyHeaders.WriteSimple(Replies.NextHead, request.Header.Cookie, error);
        if (error == NbdError.None)
        {
            Replies.Add(bytes, piece.Buffer, piece.Bytes, index);
        }
        else
        {
            Replies.Add(bytes);
            _pieces.Release(index);
        }

        CountAnswer(slot);
    }

    /// <summary>Answers a request without data.</summary>
    private void Answer(int slot)
    {
        ref Request request = ref _requests[slot];
        ulong cookie = request.Header.Cookie;
        bool needsChunk = _isStructured && request.Header.Command is NbdCommand.Read or NbdCommand.BlockStatus;
        Replies.Add((needsChunk, request.Error) switch
        {
            (true, NbdError.None) => ReplyHeaders.WriteAllocated(Replies.NextHead, cookie, request.Header.Length),
            (true, _) => ReplyHeaders.WriteError(Replies.NextHead, cookie, request.Error, ChunkFlags.Done),
            _ => ReplyHeaders.WriteSimple(Replies.NextHead, cookie, request.Error),
        });
        CountAnswer(slot);
    }

    private void CountAnswer(int slot)
    {
        RequestsAnswered++;
        RequestsFailed += _requests[slot].Error == NbdError.None ? 0 : 1;
        _requests[slot] = default;
        _freeRequests.Return(slot);
    }

    /// <summary>Where in the export the request's next piece begins.</summary>
    private static ulong NextOffset(in Request request) => request.Header.Offset + request.IssuedBytes;

    private int NextBytes(in Request request) => (int)Math.Min((uint)_export.CommandBytes, request.Header.Length - request.IssuedBytes);

    private bool TrySubmit(int index, BlockOperation operation) => TrySubmit(index, operation, (uint)_pieces[index].Bytes);

    private bool TrySubmit(int index, BlockOperation operation, uint bytes)
    {
        ref Piece piece = ref _pieces[index];
        ref Request request = ref _requests[piece.Request];
        BlockCommand command = new()
        {
            Operation = operation,
            ForceUnitAccess = operation is BlockOperation.Write or BlockOperation.WriteZeroes && (request.Header.Flags & CommandFlags.ForceUnitAccess) != 0,
            NamespaceId = _export.NamespaceId,
            Lba = piece.Offset / (uint)_export.BlockBytes,
            Blocks = bytes / (uint)_export.BlockBytes,
            Buffer = piece.Buffer,
            Context = (ulong)index,
        };
        if (!_device.TrySubmit(command))
        {
            return false;
        }

        request.Commands++;
        CommandsUnderWay++;
        return true;
    }
}
