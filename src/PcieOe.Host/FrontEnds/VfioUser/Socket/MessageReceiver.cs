using System.Runtime.InteropServices;
using PcieOe.Host.Interop;
using NativeMessage = PcieOe.Host.Interop.MessageHeader;
using WireHeader = PcieOe.Host.FrontEnds.VfioUser.Wire.MessageHeader;

namespace PcieOe.Host.FrontEnds.VfioUser.Socket;

/// <summary>How a look at the socket ended.</summary>
internal enum ReceiveResult
{
    /// <summary>A whole message is there.</summary>
    Message,

    /// <summary>None yet.</summary>
    Nothing,

    /// <summary>The client has hung up.</summary>
    Closed,

    /// <summary>What came is no message, and where the next one starts nobody can tell.</summary>
    Broken,
}

/// <summary>
/// Takes messages off a non-blocking stream socket, however the stream splits or merges them. A receive never asks for more than the rest
/// of one header or one payload, so the descriptors that come with it belong to this message and no other.
/// </summary>
internal sealed unsafe class MessageReceiver : IDisposable
{
    /// <summary>Of a longer payload only this much is kept; the rest is passed over.</summary>
    public const int MaximumPayloadBytes = 8192;

    private const int CloseDescriptorsOnExec = 0x40000000;
    private const int ControlTruncated = 0x8;
    private const int SocketLevel = 1;
    private const int Rights = 1;

    /// <summary>Room for as many descriptors as the kernel lets pass in one message (SCM_MAX_FD).</summary>
    private const int ControlBytes = 16 + 253 * sizeof(int) + 4;

    private readonly int _socket;
    private readonly NativeMemoryRange _memory = NativeMemoryRange.Reserve(WireHeader.Bytes + 2 * MaximumPayloadBytes);
    private long _received;

    public MessageReceiver(int socket) => _socket = socket;

    /// <summary>Of the message that is there.</summary>
    public ref readonly WireHeader Header => ref *(WireHeader*)_memory.Pointer;

    /// <summary>Of the message that is there; at most <see cref="MaximumPayloadBytes"/>.</summary>
    public ReadOnlySpan<byte> Payload => new(_memory.Pointer + WireHeader.Bytes, KeptBytes);

    /// <summary>The payload was longer than what is kept of it.</summary>
    public bool IsTruncated => Header.Size - WireHeader.Bytes > MaximumPayloadBytes;

    public ReceivedDescriptors Descriptors { get; } = new();

    private int KeptBytes => (int)Math.Min(Header.Size - WireHeader.Bytes, MaximumPayloadBytes);

    /// <summary>Goes on with the message under way, or with the next one after <see cref="Release"/>.</summary>
    public ReceiveResult TryReceive()
    {
        while (_received < WireHeader.Bytes)
        {
            ReceiveResult result = Receive(_memory.Pointer + _received, (int)(WireHeader.Bytes - _received));
            if (result != ReceiveResult.Message)
            {
                return result;
            }
        }

        if (Header.Size < WireHeader.Bytes)
        {
            return ReceiveResult.Broken;
        }

        while (_received < WireHeader.Bytes + KeptBytes)
        {
            ReceiveResult result = Receive(_memory.Pointer + _received, (int)(WireHeader.Bytes + KeptBytes - _received));
            if (result != ReceiveResult.Message)
            {
                return result;
            }
        }

        return _received < Header.Size ? PassOver() : ReceiveResult.Message;
    }

    /// <summary>Done with the message.</summary>
    public void Release()
    {
        Descriptors.CloseAll();
        _received = 0;
    }

    public void Dispose()
    {
        Descriptors.CloseAll();
        _memory.Dispose();
    }

    /// <summary>A bounded piece at a time, so that a client with 4 GiB of nothing holds up nobody else's answers.</summary>
    private ReceiveResult PassOver()
    {
        int length = (int)Math.Min(Header.Size - _received, MaximumPayloadBytes);
        ReceiveResult result = Receive(_memory.Pointer + WireHeader.Bytes + MaximumPayloadBytes, length);
        return result == ReceiveResult.Message && _received < Header.Size ? ReceiveResult.Nothing : result;
    }

    private ReceiveResult Receive(byte* destination, int length)
    {
        byte* control = stackalloc byte[ControlBytes];
        var vector = new BufferVector { Data = destination, Length = (nuint)length };
        var message = new NativeMessage { Vectors = &vector, VectorCount = 1, Control = control, ControlLength = ControlBytes };
        nint received = LibC.ReceiveMessage(_socket, &message, CloseDescriptorsOnExec);
        if (received < 0)
        {
            return Marshal.GetLastPInvokeError() is Errno.TryAgain or Errno.Interrupted ? ReceiveResult.Nothing : ReceiveResult.Closed;
        }

        TakeDescriptors(message);
        _received += received;
        return received == 0 ? ReceiveResult.Closed : ReceiveResult.Message;
    }

    private void TakeDescriptors(in NativeMessage message)
    {
        if ((message.Flags & ControlTruncated) != 0)
        {
            Descriptors.MarkIncomplete();
        }

        var header = (ControlHeader*)message.Control;
        if (message.ControlLength < (nuint)sizeof(ControlHeader) || header->Level != SocketLevel || header->Type != Rights)
        {
            return;
        }

        int* descriptors = (int*)(header + 1);
        int count = ((int)header->Length - sizeof(ControlHeader)) / sizeof(int);
        for (int i = 0; i < count; i++)
        {
            Descriptors.Add(descriptors[i]);
        }
    }
}
