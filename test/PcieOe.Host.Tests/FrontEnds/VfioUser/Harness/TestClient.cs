using System.Buffers.Binary;
using System.Runtime.InteropServices;
using PcieOe.Host.FrontEnds.Sockets;
using PcieOe.Host.FrontEnds.VfioUser.Socket;
using PcieOe.Host.Interop;
using Xunit;

namespace PcieOe.Host.Tests.FrontEnds.VfioUser.Harness;

/// <summary>The far end of a vfio-user socket, byte by byte: it writes what a test says, also what no client should.</summary>
internal sealed unsafe class TestClient : IDisposable
{
    private readonly MessageReceiver _receiver;
    private int _socket;

    private TestClient(int socket)
    {
        _socket = socket;
        _receiver = new MessageReceiver(socket);
    }

    /// <summary>Null: another client is being served and a second one waits already.</summary>
    public static TestClient? TryConnect(string path)
    {
        int socket = UnixListener.Connect(path);
        Assert.True(socket >= 0 || Marshal.GetLastPInvokeError() == Errno.TryAgain, $"connect: {Errno.Describe(Marshal.GetLastPInvokeError())}");
        return socket >= 0 ? new TestClient(socket) : null;
    }

    public int Descriptor => _socket;

    public bool IsClosed { get; private set; }

    /// <summary>A whole message. Integers of 2, 4 and 8 bytes are laid out in host order, byte arrays as they are.</summary>
    public static byte[] Message(ushort id, int command, params object[] payload) => MessageWithFlags(id, command, 0, payload);

    public static byte[] MessageWithFlags(ushort id, int command, uint flags, params object[] payload)
    {
        byte[] content = Layout(payload);
        return [.. Layout(id, (ushort)command, (uint)(16 + content.Length), flags, 0u), .. content];
    }

    public static byte[] Layout(params object[] values)
    {
        var bytes = new List<byte>();
        foreach (object value in values)
        {
            bytes.AddRange(value switch
            {
                ushort number => BitConverter.GetBytes(number),
                uint number => BitConverter.GetBytes(number),
                int number => BitConverter.GetBytes(number),
                ulong number => BitConverter.GetBytes(number),
                byte[] raw => raw,
                _ => throw new ArgumentException($"{value.GetType()} has no layout"),
            });
        }

        return [.. bytes];
    }

    /// <summary>All or nothing: false when the server takes no more for now.</summary>
    public bool TrySend(byte[] bytes, params int[] descriptors)
    {
        fixed (byte* data = bytes)
        {
            byte* control = stackalloc byte[16 + 260 * sizeof(int)];
            var vector = new BufferVector { Data = data, Length = (nuint)bytes.Length };
            var message = new MessageHeader { Vectors = &vector, VectorCount = 1 };
            if (descriptors.Length > 0)
            {
                *(ControlHeader*)control = new ControlHeader { Length = (nuint)(16 + descriptors.Length * sizeof(int)), Level = 1, Type = 1 };
                descriptors.CopyTo(new Span<int>(control + 16, descriptors.Length));
                message.Control = control;
                message.ControlLength = (nuint)(16 + (descriptors.Length * sizeof(int) + 7 & ~7));
            }

            nint sent = LibC.SendMessage(_socket, &message, 0x4000);
            int error = sent < 0 ? Marshal.GetLastPInvokeError() : 0;
            Assert.True(sent == bytes.Length || error is Errno.TryAgain or 32 or 104, $"sendmsg: {sent}, errno {error}"); // EPIPE, ECONNRESET
            return error != Errno.TryAgain;
        }
    }

    public bool TryReceive(out Reply reply)
    {
        reply = default!;
        ReceiveResult result = _receiver.TryReceive();
        if (result == ReceiveResult.Message)
        {
            int[] descriptors = [.. Enumerable.Range(0, _receiver.Descriptors.Count).Select(_receiver.Descriptors.Take)];
            PcieOe.Host.FrontEnds.VfioUser.Wire.MessageHeader header = _receiver.Header;
            reply = new Reply(header.Id, (int)header.Command, header.Flags, header.Error, _receiver.Payload.ToArray(), descriptors);
            _receiver.Release();
            return true;
        }

        IsClosed |= result != ReceiveResult.Nothing;
        return false;
    }

    public void Dispose()
    {
        _receiver.Dispose();
        if (_socket >= 0)
        {
            _ = LibC.Close(_socket);
            _socket = -1;
        }
    }
}

/// <summary>A message from the server.</summary>
internal sealed record Reply(ushort Id, int Command, uint Flags, int Error, byte[] Payload, int[] Descriptors)
{
    public bool IsReply => (Flags & 0xF) == 1;

    public bool IsError => (Flags & 0x20) != 0;

    public uint UInt32(int offset) => BinaryPrimitives.ReadUInt32LittleEndian(Payload.AsSpan(offset));

    public ulong UInt64(int offset) => BinaryPrimitives.ReadUInt64LittleEndian(Payload.AsSpan(offset));
}
