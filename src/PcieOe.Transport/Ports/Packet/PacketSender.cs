using System.Runtime.InteropServices;
using PcieOe.Transport.Interop;

namespace PcieOe.Transport.Ports.Packet;

/// <summary>Hands frames to a packet socket: one by send or sendmsg, several by sendmmsg, each as at most two pieces.</summary>
internal sealed unsafe class PacketSender : IDisposable
{
    private const int BatchLimit = 64;

    private readonly NativeBuffer _memory;
    private readonly BatchedMessageHeader* _messages;
    private readonly IoVector* _vectors;

    internal PacketSender()
    {
        _memory = new NativeBuffer(BatchLimit * (sizeof(BatchedMessageHeader) + 2 * sizeof(IoVector)));
        _messages = (BatchedMessageHeader*)_memory.Pointer;
        _vectors = (IoVector*)(_messages + BatchLimit);
        for (int i = 0; i < BatchLimit; i++)
        {
            _messages[i].Message.Vectors = _vectors + 2 * i;
        }
    }

    /// <summary>Sends the frames in order.</summary>
    /// <param name="error">Why it stopped short; 0 if it did not.</param>
    /// <returns>How many the kernel took.</returns>
    internal int Send(int socket, ReadOnlySpan<OutgoingFrame> batch, out int error)
    {
        error = 0;
        int sent = 0;
        while (sent < batch.Length)
        {
            int taken = batch.Length - sent == 1 ? SendOne(socket, batch[sent]) : SendSeveral(socket, batch[sent..]);
            if (taken <= 0)
            {
                error = Marshal.GetLastPInvokeError();
                if (error == Errno.Interrupted)
                {
                    continue;
                }

                break;
            }

            sent += taken;
        }

        return sent;
    }

    public void Dispose() => _memory.Dispose();

    private int SendOne(int socket, in OutgoingFrame frame)
    {
        nint result;
        if (frame.ContentLength == 0)
        {
            result = LibC.Send(socket, frame.Header, (nuint)frame.HeaderLength, PacketSocketAbi.DoNotWait);
        }
        else
        {
            Describe(0, frame);
            result = LibC.SendMessage(socket, &_messages->Message, PacketSocketAbi.DoNotWait);
        }

        return result < 0 ? -1 : 1;
    }

    private int SendSeveral(int socket, ReadOnlySpan<OutgoingFrame> batch)
    {
        int count = Math.Min(batch.Length, BatchLimit);
        for (int i = 0; i < count; i++)
        {
            Describe(i, batch[i]);
        }

        return LibC.SendMessages(socket, _messages, (uint)count, PacketSocketAbi.DoNotWait);
    }

    private void Describe(int index, in OutgoingFrame frame)
    {
        IoVector* vectors = _vectors + 2 * index;
        vectors[0].Base = frame.Header;
        vectors[0].Length = (nuint)frame.HeaderLength;
        vectors[1].Base = frame.Content;
        vectors[1].Length = (nuint)frame.ContentLength;
        _messages[index].Message.VectorCount = frame.ContentLength == 0 ? 1u : 2u;
    }
}
