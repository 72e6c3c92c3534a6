using System.Buffers;
using System.IO.Pipelines;
using PcieOe.Host.FrontEnds.Nbd.Protocol;
using PcieOe.Host.FrontEnds.Nbd.Transmission;
using PcieOe.Host.Interop;
using PcieOe.Host.NvmeDriver;
using PcieOe.Protocol.Nvme;

namespace PcieOe.Host.FrontEnds.Nbd.Server;

/// <summary>
/// A client's connection: moves bytes between its socket and the protocol engines, and never waits. Input goes through a pipe, from which the data of
/// a WRITE is copied once to where the device reads it; long data is read from the socket right to there. Replies leave from where the
/// device put them. On the server's thread.
/// </summary>
internal sealed unsafe class NbdConnection : IBlockCommandSink, IDisposable
{
    /// <summary>Its share of the memory that the device reaches.</summary>
    internal const int ArenaBytes = 2 << 20;

    private const int InputBytes = 64 * 1024;
    private const int MinimumReadBytes = 16 * 1024;
    private const int HandshakeOutputLimit = 64 * 1024;
    private const int VectorsPerSend = 64;
    private const long HandshakeLimitMilliseconds = 30_000;
    private const long LeaveLimitMilliseconds = 10_000;
    private const int ContextShift = 32;

    private static readonly PipeOptions InputOptions = new(
        readerScheduler: PipeScheduler.Inline, writerScheduler: PipeScheduler.Inline, pauseWriterThreshold: 0, minimumSegmentSize: InputBytes, useSynchronizationContext: false);

    private readonly IReadOnlyList<ServedDevice> _devices;
    private readonly Pipe _input = new(InputOptions);
    private readonly ArrayBufferWriter<byte> _handshakeOutput = new();
    private readonly Negotiation _negotiation;
    private readonly ulong _contextBase;
    private readonly ClientSocket _socket;
    private int _handshakeSent;
    private long _buffered;
    private long _submitted;
    private long _deadlineMilliseconds;
    private bool _isEndOfInput;
    private bool _isLeaving;
    private ServedDevice? _device;
    private nint _arenaStart;
    private TransmissionSession? _session;

    /// <param name="index">Its place among the server's connections; the upper half of the context of its commands.</param>
    internal NbdConnection(int descriptor, int index, IExportCatalogue catalogue, IReadOnlyList<ServedDevice> devices, long nowMilliseconds)
    {
        _socket = new ClientSocket(descriptor);
        _devices = devices;
        _contextBase = (ulong)index << ContextShift;
        _negotiation = new Negotiation(catalogue);
        _deadlineMilliseconds = nowMilliseconds + HandshakeLimitMilliseconds;
        OptionReplies.WriteGreeting(_handshakeOutput);
    }

    /// <summary>-1 once it is closed.</summary>
    internal int Descriptor => _socket.Descriptor;

    /// <summary>What the socket has to become ready for.</summary>
    internal short Events => (short)((!_socket.MayRead && WantsInput ? PollEntry.InputReady : 0) | (!_socket.MayWrite ? PollEntry.OutputReady : 0));

    /// <summary>When it has to be looked at, at the latest.</summary>
    internal long DeadlineMilliseconds => _deadlineMilliseconds;

    /// <summary>Closed, and no command of it is under way: <see cref="Dispose"/> may be called.</summary>
    internal bool IsFinished => !_socket.IsOpen && (_session is null || _session.CommandsUnderWay == 0 || _device!.Channel.IsDetached);

    /// <summary>Why it was cut off, if it was.</summary>
    internal string? CutReason { get; private set; }

    /// <summary>The chosen export, from when on it is used.</summary>
    internal NbdExport? Export => _session is null ? null : _negotiation.Export;

    internal TransmissionSession? Session => _session;

    private bool WantsInput => !_isEndOfInput && !_isLeaving && _buffered < InputBytes;

    /// <summary>The index of the connection that a command belongs to, by its context.</summary>
    internal static int IndexOf(ulong context) => (int)(context >> ContextShift);

    internal void OnReady(short events) => _socket.OnReady(events);

    internal void OnCompleted(ulong context, NvmeStatus status) => _session!.OnCompleted((int)(uint)context, status);

    /// <summary>One round. True: something moved.</summary>
    internal bool Advance(long nowMilliseconds)
    {
        if (!_socket.IsOpen)
        {
            return false;
        }

        bool worked = _socket.MayRead && WantsInput && Receive();
        if (_socket.IsOpen)
        {
            worked |= _session is null ? Negotiate() : Transmit();
        }

        if (_socket.IsOpen)
        {
            worked |= Send();
        }

        if (_socket.IsOpen)
        {
            CheckEnd(nowMilliseconds);
        }

        return worked || !_socket.IsOpen;
    }

    /// <summary>Takes no more requests; closes when what is under way is answered.</summary>
    internal void Leave(long nowMilliseconds)
    {
        if (!_isLeaving)
        {
            _isLeaving = true;
            _deadlineMilliseconds = nowMilliseconds + LeaveLimitMilliseconds;
            _session?.End();
        }
    }

    /// <summary>Closes the socket now.</summary>
    internal void Close()
    {
        if (_socket.IsOpen)
        {
            _session?.End();
            _socket.Close();
        }
    }

    /// <summary>Gives everything back, once <see cref="IsFinished"/>.</summary>
    public void Dispose()
    {
        _input.Writer.Complete();
        _input.Reader.Complete();
        _session?.Dispose();
        if (_arenaStart != 0 && !_device!.Channel.IsDetached)
        {
            _device.Device.Pool.Free(_arenaStart);
        }
    }

    public bool TrySubmit(in BlockCommand command)
    {
        BlockCommand tagged = command;
        tagged.Context |= _contextBase;
        if (!_device!.Channel.TrySubmit(tagged))
        {
            return false;
        }

        _device.HasSubmitted = true;
        _submitted++;
        return true;
    }

    private bool Receive()
    {
        Span<byte> direct = _buffered == 0 && _session is not null ? _session.DirectBuffer : [];
        bool isDirect = direct.Length >= MinimumReadBytes;
        Span<byte> target = isDirect ? direct : _input.Writer.GetMemory(MinimumReadBytes).Span;
        long bytes = _socket.Read(target);
        if (bytes < 0)
        {
            CloseIfFailed();
            return false;
        }

        if (bytes == 0)
        {
            _isEndOfInput = true;
            return true;
        }

        if (isDirect)
        {
            _session!.OnDirect((int)bytes);
            return true;
        }

        _input.Writer.Advance((int)bytes);
        ValueTask<FlushResult> flush = _input.Writer.FlushAsync();
        if (!flush.IsCompletedSuccessfully)
        {
            throw new InvalidOperationException("A pipe without a threshold makes nobody wait.");
        }

        _ = flush.Result;
        _buffered += bytes;
        return true;
    }

    private bool Negotiate()
    {
        if (_handshakeOutput.WrittenCount - _handshakeSent > HandshakeOutputLimit || _buffered == 0 || !_input.Reader.TryRead(out ReadResult read))
        {
            return false;
        }

        long taken = _negotiation.Consume(read.Buffer, _handshakeOutput);
        Advance(read.Buffer, taken);
        if (_negotiation.State == NegotiationState.Transmission)
        {
            BeginTransmission(_negotiation.Export!);
        }

        return taken > 0;
    }

    private void BeginTransmission(NbdExport export)
    {
        _device = _devices[export.Device];
        if (_device.Channel.IsDetached || !_device.Device.Pool.TryAllocate(ArenaBytes, out _arenaStart))
        {
            Cut("the device's memory is used up by other connections, or the device is gone");
            return;
        }

        _deadlineMilliseconds = long.MaxValue;
        _session = new TransmissionSession(export, _negotiation.IsStructured, _negotiation.HasBaseAllocation, this, new BufferArena(_arenaStart, ArenaBytes));
    }

    private bool Transmit()
    {
        long before = _submitted + _session!.RequestsAnswered;
        long taken = 0;
        if (_buffered > 0 && _input.Reader.TryRead(out ReadResult read))
        {
            taken = _session.Consume(read.Buffer);
            Advance(read.Buffer, taken);
        }
        else
        {
            _session.Consume(ReadOnlySequence<byte>.Empty);
        }

        return taken > 0 || _submitted + _session.RequestsAnswered != before;
    }

    private void Advance(in ReadOnlySequence<byte> buffer, long taken)
    {
        _input.Reader.AdvanceTo(buffer.GetPosition(taken));
        _buffered -= taken;
    }

    private bool Send()
    {
        if (!_socket.MayWrite)
        {
            return false;
        }

        if (_handshakeSent < _handshakeOutput.WrittenCount)
        {
            return SendHandshake();
        }

        if (_session is null || _session.Replies.Count == 0)
        {
            return false;
        }

        Span<BufferVector> vectors = stackalloc BufferVector[VectorsPerSend];
        int count = _session.Replies.Gather(vectors);
        fixed (BufferVector* pointer = vectors)
        {
            long sent = _socket.Send(pointer, count);
            CloseIfFailed();
            if (sent > 0)
            {
                _session.Replies.OnSent(sent, _session);
            }

            return sent > 0;
        }
    }

    private bool SendHandshake()
    {
        ReadOnlySpan<byte> rest = _handshakeOutput.WrittenSpan[_handshakeSent..];
        fixed (byte* pointer = rest)
        {
            BufferVector vector = new() { Data = pointer, Length = (nuint)rest.Length };
            long sent = _socket.Send(&vector, 1);
            CloseIfFailed();
            _handshakeSent += (int)Math.Max(sent, 0);
            if (_handshakeSent == _handshakeOutput.WrittenCount)
            {
                _handshakeOutput.ResetWrittenCount();
                _handshakeSent = 0;
            }

            return sent > 0;
        }
    }

    private void CloseIfFailed()
    {
        if (_socket.HasFailed)
        {
            Close();
        }
    }

    private void CheckEnd(long nowMilliseconds)
    {
        if (_session is null)
        {
            bool isOver = _negotiation.State == NegotiationState.Ended || _isLeaving;
            if (_isEndOfInput || (isOver && _handshakeSent == _handshakeOutput.WrittenCount))
            {
                Close();
            }
            else if (nowMilliseconds >= _deadlineMilliseconds)
            {
                Cut("it did not finish the handshake in time");
            }

            return;
        }

        if (_session.SawGarbage)
        {
            CutReason ??= "it sent something that is no request";
        }

        if (_session.IsBroken || _device!.Channel.IsDetached)
        {
            Close();
        }
        else if (_session.IsEnding)
        {
            Leave(nowMilliseconds);
            if (_session.IsIdle)
            {
                Close();
            }
            else if (nowMilliseconds >= _deadlineMilliseconds && _session.Replies.Count > 0)
            {
                Cut("it did not take the last replies in time");
            }
        }
        else if (_isEndOfInput && (_buffered == 0 || _session.IsIdle))
        {
            Close();
        }
    }

    private void Cut(string reason)
    {
        CutReason ??= reason;
        Close();
    }
}
