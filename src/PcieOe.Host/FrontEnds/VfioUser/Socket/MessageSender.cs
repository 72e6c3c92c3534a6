using System.Runtime.InteropServices;
using PcieOe.Host.Interop;
using NativeMessage = PcieOe.Host.Interop.MessageHeader;

namespace PcieOe.Host.FrontEnds.VfioUser.Socket;

/// <summary>
/// Gathers messages for a non-blocking stream socket and sends what the client takes. What it does not take waits, within
/// <see cref="CapacityBytes"/>: the session stops taking requests long before.
/// </summary>
internal sealed unsafe class MessageSender : IDisposable
{
    public const int CapacityBytes = 1 << 20;

    private const int NoSignal = 0x4000;
    private const int SocketLevel = 1;
    private const int Rights = 1;
    private const int None = -1;

    private readonly int _socket;
    private readonly NativeMemoryRange _memory = NativeMemoryRange.Reserve(CapacityBytes);
    private int _start;
    private int _end;
    private int _reserved;
    private int _descriptor = None;
    private int _descriptorAt;

    public MessageSender(int socket) => _socket = socket;

    public int WaitingBytes => _end - _start;

    /// <summary>Room for a message, zeroed. It goes out with the next <see cref="TryFlush"/> once committed.</summary>
    public Span<byte> Reserve(int bytes)
    {
        if (_end + bytes > CapacityBytes)
        {
            Compact();
        }

        if (_end + bytes > CapacityBytes)
        {
            throw new InvalidOperationException("More waits to be sent than the session lets come together.");
        }

        _reserved = bytes;
        var room = new Span<byte>(_memory.Pointer + _end, bytes);
        room.Clear();
        return room;
    }

    public void Commit()
    {
        _end += _reserved;
        _reserved = 0;
    }

    /// <summary>
    /// Lets a descriptor travel with the message about to be committed. One may wait at a time; false: another does, try again after a flush.
    /// </summary>
    public bool TryAttach(int descriptor)
    {
        if (_descriptor != None)
        {
            return false;
        }

        _descriptor = descriptor;
        _descriptorAt = _end;
        return true;
    }

    /// <summary>Sends as much as the socket takes. False: the client has hung up.</summary>
    public bool TryFlush()
    {
        while (_start < _end)
        {
            // A descriptor goes with the first byte of its message, so what comes before is sent first.
            bool hasDescriptor = _descriptor != None && _descriptorAt == _start;
            int end = _descriptor != None && !hasDescriptor ? _descriptorAt : _end;
            nint sent = Send(_memory.Pointer + _start, end - _start, hasDescriptor);
            if (sent < 0)
            {
                int error = Marshal.GetLastPInvokeError();
                if (error == Errno.Interrupted)
                {
                    continue;
                }

                return error == Errno.TryAgain;
            }

            _start += (int)sent;
            _descriptor = hasDescriptor ? None : _descriptor;
        }

        _start = 0;
        _end = 0;
        return true;
    }

    public void Dispose() => _memory.Dispose();

    private void Compact()
    {
        Buffer.MemoryCopy(_memory.Pointer + _start, _memory.Pointer, CapacityBytes, _end - _start);
        _descriptorAt -= _start;
        _end -= _start;
        _start = 0;
    }

    private nint Send(byte* data, int length, bool hasDescriptor)
    {
        var vector = new BufferVector { Data = data, Length = (nuint)length };
        var message = new NativeMessage { Vectors = &vector, VectorCount = 1 };
        ControlHeader* control = stackalloc ControlHeader[2];
        if (hasDescriptor)
        {
            control->Length = (nuint)(sizeof(ControlHeader) + sizeof(int));
            control->Level = SocketLevel;
            control->Type = Rights;
            *(int*)(control + 1) = _descriptor;
            message.Control = control;
            message.ControlLength = (nuint)(sizeof(ControlHeader) + sizeof(ulong));
        }

        return LibC.SendMessage(_socket, &message, NoSignal);
    }
}
