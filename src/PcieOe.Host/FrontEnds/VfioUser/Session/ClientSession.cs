using System.Runtime.InteropServices;
using PcieOe.Host.FrontEnds.VfioUser.Memory;
using PcieOe.Host.FrontEnds.VfioUser.Rings;
using PcieOe.Host.FrontEnds.VfioUser.Socket;
using PcieOe.Host.FrontEnds.VfioUser.Wire;
using PcieOe.Host.Interop;
using MessageHeader = PcieOe.Host.FrontEnds.VfioUser.Wire.MessageHeader;

namespace PcieOe.Host.FrontEnds.VfioUser.Session;

/// <summary>
/// One client from connect to disconnect, on the socket's thread: parses and checks what it sends, answers what needs no function, and
/// passes the rest to the worker. It never waits: neither for the client nor for the worker. The client's mistakes are answered with an
/// error; only what leaves the stream without a message boundary ends it.
/// </summary>
internal sealed partial class ClientSession : IDisposable
{
    /// <summary>No further messages are taken from a client that leaves more than this unread.</summary>
    public const int MaximumWaitingBytes = 256 * 1024;

    /// <summary>Requests open at the worker. Their answers fit into the ring of answers and into the sender, whatever they are.</summary>
    public const int MaximumOpenRequests = 64;

    private const int MessagesPerRound = 64;
    private const long VersionPatienceMilliseconds = 5000;

    private readonly SessionContext _context;
    private readonly MessageReceiver _receiver;
    private readonly MessageSender _sender;
    private readonly ClientMemoryExchange _exchange;
    private readonly DmaMappings _mappings = new();
    private readonly long _startMilliseconds = Environment.TickCount64;
    private bool _isNegotiated;
    private int _openRequests;

    public ClientSession(SessionContext context, int socket)
    {
        _context = context;
        _receiver = new MessageReceiver(socket);
        _sender = new MessageSender(socket);
        _exchange = new ClientMemoryExchange(context.ClientRequests, _sender);
    }

    /// <summary>Why the client is to be parted with; null while it is not.</summary>
    public string? EndReason { get; private set; }

    /// <summary>Whether the client is heard: not while too much waits on either side of it.</summary>
    public bool Listens => _sender.WaitingBytes < MaximumWaitingBytes && _openRequests < MaximumOpenRequests && _context.Requests.HasRoomFor(LargestRequest);

    /// <summary>Whether the client leaves something unread.</summary>
    public bool HasToSend => _sender.WaitingBytes > 0;

    /// <summary>Whether the worker left something that can be dealt with at once.</summary>
    public bool HasWork => !_context.Answers.IsEmpty || _exchange.CanSend;

    private static int LargestRequest => FunctionRequest.Bytes + MessageReceiver.MaximumPayloadBytes;

    /// <summary>One look at everything. True: there was something.</summary>
    public bool Serve()
    {
        bool worked = TakeAnswers();
        worked |= _exchange.Send();
        for (int i = 0; i < MessagesPerRound && EndReason is null && Listens; i++)
        {
            ReceiveResult result = _receiver.TryReceive();
            if (result != ReceiveResult.Message)
            {
                OnNoMessage(result);
                break;
            }

            worked = true;
            OnMessage();
            _receiver.Release();
        }

        if (!_sender.TryFlush())
        {
            EndReason ??= "it hung up";
        }

        return worked;
    }

    /// <summary>Looks for clients that came and said nothing.</summary>
    public void CheckPatience()
    {
        if (!_isNegotiated && Environment.TickCount64 - _startMilliseconds > VersionPatienceMilliseconds)
        {
            EndReason ??= "it did not say its version";
        }
    }

    /// <summary>Ends the session for a reason of the server's.</summary>
    public void End(string reason) => EndReason ??= reason;

    /// <summary>When the worker has detached from the function: nothing points to the client's memory any more.</summary>
    public void Dispose()
    {
        _mappings.Dispose();
        _receiver.Dispose();
        _sender.Dispose();
    }

    private void OnNoMessage(ReceiveResult result)
    {
        if (result == ReceiveResult.Closed)
        {
            EndReason ??= "it hung up";
        }
        else if (result == ReceiveResult.Broken)
        {
            _context.Counters.Breakdowns++;
            EndReason ??= "what it sends is not vfio-user";
        }
    }

    private void OnMessage()
    {
        ref readonly MessageHeader header = ref _receiver.Header;
        _context.Counters.CountMessage(header.Command);
        if (header.Type == MessageHeader.ReplyType)
        {
            OnReply(header);
            return;
        }

        int error = Errno.InvalidArgument;
        if (header.Type == MessageHeader.CommandType && !_receiver.Descriptors.AreIncomplete)
        {
            error = _receiver.IsTruncated ? Errno.TooBig
                : _isNegotiated && !header.WantsReply && IsQuestion(header.Command) ? Errno.None
                : _isNegotiated ? Execute(header, _receiver.Payload)
                : header.Command == Command.Version && header.WantsReply ? Negotiate(header, _receiver.Payload)
                : Errno.InvalidArgument;
        }

        if (error != Errno.None)
        {
            ReplyError(new ReplyContext(header), error);
            if (!_isNegotiated)
            {
                _context.Counters.Breakdowns++;
                EndReason ??= "no version was agreed on";
            }
        }
    }

    /// <summary>Carries a command out, or passes it on. What is returned, if not 0, is the error to reply.</summary>
    private int Execute(in MessageHeader header, ReadOnlySpan<byte> payload) => header.Command switch
    {
        Command.DmaMap => MapMemory(header, payload),
        Command.DmaUnmap => UnmapMemory(header, payload),
        Command.DeviceGetInfo => GetInfo(header, payload),
        Command.DeviceGetRegionInfo => GetRegionInfo(header, payload),
        Command.DeviceGetRegionIoDescriptors => GetRegionIoDescriptors(header, payload),
        Command.DeviceGetInterruptInfo => GetInterruptInfo(header, payload),
        Command.DeviceSetInterrupts => SetInterrupts(header, payload),
        Command.RegionRead => ReadRegion(header, payload),
        Command.RegionWrite => WriteRegion(header, payload),
        Command.DeviceReset => Pass(new FunctionRequest { Kind = FunctionRequestKind.Reset, Context = new ReplyContext(header).Value }, default),
        Command.Version => Errno.InvalidArgument,
        _ => Errno.NotImplemented,
    };

    /// <summary>Without a reply these do nothing.</summary>
    private static bool IsQuestion(Command command) => command is Command.DeviceGetInfo or Command.DeviceGetRegionInfo
        or Command.DeviceGetRegionIoDescriptors or Command.DeviceGetInterruptInfo or Command.RegionRead;

    private int Negotiate(in MessageHeader header, ReadOnlySpan<byte> payload)
    {
        if (payload.Length < VersionMessage.Bytes || MemoryMarshal.Read<VersionMessage>(payload).Major != 0
            || !Capabilities.TryParse(payload[VersionMessage.Bytes..], out _))
        {
            return Errno.InvalidArgument;
        }

        // The client's limits are above anything that is sent to it: one descriptor, and 4 KiB of data.
        Span<byte> reply = Reply(new ReplyContext(header), VersionMessage.Bytes + Capabilities.ServerReply.Length);
        MemoryMarshal.Write(reply, new VersionMessage { Major = 0, Minor = 0 });
        Capabilities.ServerReply.CopyTo(reply[VersionMessage.Bytes..]);
        _sender.Commit();
        _isNegotiated = true;
        return Errno.None;
    }

    private void OnReply(in MessageHeader header)
    {
        if (!_exchange.TryTakeReply(header, _receiver.IsTruncated ? default : _receiver.Payload, out ClientAccessEnd ended, out ReadOnlySpan<byte> data))
        {
            _context.Counters.StrayReplies++;
            return;
        }

        _context.Counters.DmaReads += ended.IsRead ? 1 : 0;
        _context.Counters.DmaWrites += ended.IsRead ? 0 : 1;
        _context.Worker.SetWritesDone(_exchange.WritesDone);
        if (ended.IsRead)
        {
            _context.Push(new FunctionRequest { Kind = FunctionRequestKind.DmaReadData, Context = FunctionRequest.NoAnswer, Offset = ended.Ticket }, data);
        }
        else
        {
            _context.WakeWorker(); // an interrupt may have waited for it
        }
    }

    /// <summary>Hands a request to the worker. There is room: else no message would have been taken.</summary>
    private int Pass(in FunctionRequest request, ReadOnlySpan<byte> data)
    {
        _openRequests += request.Context == FunctionRequest.NoAnswer ? 0 : 1;
        _context.Push(request, data);
        return Errno.None;
    }

    private bool TakeAnswers()
    {
        bool worked = false;
        while (_context.Answers.TryPeek(out Span<byte> record))
        {
            OnAnswer(MemoryMarshal.AsRef<FunctionAnswer>(record), record[FunctionAnswer.Bytes..]);
            _context.Answers.Release();
            worked = true;
        }

        return worked;
    }

    private void OnAnswer(in FunctionAnswer answer, ReadOnlySpan<byte> data)
    {
        _openRequests--;
        var context = new ReplyContext(answer.Context);
        if (answer.Kind == FunctionRequestKind.Map)
        {
            _mappings.OnMapped(context.Mapping, answer.Error == Errno.None);
        }

        if (answer.Error != Errno.None)
        {
            ReplyError(context, answer.Error);
            return;
        }

        switch (answer.Kind)
        {
            case FunctionRequestKind.ReadRegion:
            case FunctionRequestKind.WriteRegion:
                ReplyRegionAccess(context, answer, data);
                break;
            case FunctionRequestKind.Unmap:
            case FunctionRequestKind.UnmapAll:
                ReplyUnmapped(context, answer);
                break;
            default:
                ReplyDone(context);
                break;
        }
    }

    /// <summary>Room for a reply's payload; the header is written.</summary>
    private Span<byte> Reply(ReplyContext context, int payloadBytes)
    {
        Span<byte> message = _sender.Reserve(MessageHeader.Bytes + payloadBytes);
        MemoryMarshal.Write(message, new MessageHeader
        {
            Id = context.MessageId,
            Command = context.Command,
            Size = (uint)message.Length,
            Flags = MessageHeader.ReplyType,
        });
        return message[MessageHeader.Bytes..];
    }

    private void ReplyDone(ReplyContext context)
    {
        if (context.WantsReply)
        {
            Reply(context, 0);
            _sender.Commit();
        }
    }

    private void ReplyError(ReplyContext context, int error)
    {
        _context.Counters.Errors++;
        if (_context.MayLog())
        {
            Log.Refused(_context.Logger, _context.Name, context.Command.ToString(), error);
        }

        if (context.WantsReply)
        {
            Span<byte> message = _sender.Reserve(MessageHeader.Bytes);
            MemoryMarshal.Write(message, new MessageHeader
            {
                Id = context.MessageId,
                Command = context.Command,
                Size = MessageHeader.Bytes,
                Flags = MessageHeader.ReplyType | MessageHeader.ErrorFlag,
                Error = error,
            });
            _sender.Commit();
        }
    }
}
