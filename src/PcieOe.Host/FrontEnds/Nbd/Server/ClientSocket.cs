using System.Runtime.InteropServices;
using PcieOe.Host.Interop;

namespace PcieOe.Host.FrontEnds.Nbd.Server;

/// <summary>A client's stream socket, read and written without waiting, and whether it is worth trying. One thread.</summary>
internal sealed unsafe class ClientSocket(int descriptor)
{
    private const int DontWaitNoSignal = 0x40 | 0x4000;

    /// <summary>-1 once it is closed.</summary>
    internal int Descriptor { get; private set; } = descriptor;

    internal bool IsOpen => Descriptor >= 0;

    /// <summary>There may be something to read: cleared when there was nothing more.</summary>
    internal bool MayRead { get; private set; } = true;

    /// <summary>There may be room to write to: cleared when there was none left.</summary>
    internal bool MayWrite { get; private set; } = true;

    /// <summary>It is of no more use, and to be closed.</summary>
    internal bool HasFailed { get; private set; }

    /// <param name="events">What the socket has become ready for, as <see cref="PollEntry"/> tells it.</param>
    internal void OnReady(short events)
    {
        MayRead |= (events & ~PollEntry.OutputReady) != 0;
        MayWrite |= (events & ~PollEntry.InputReady) != 0;
    }

    /// <summary>Gives the bytes read; 0 at the end of the stream; -1 where nothing has come or it has failed.</summary>
    internal long Read(Span<byte> target)
    {
        nint bytes;
        fixed (byte* pointer = target)
        {
            bytes = LibC.Read(Descriptor, pointer, (nuint)target.Length);
        }

        if (bytes < 0)
        {
            MayRead = IsInterruption();
        }
        else if (bytes > 0)
        {
            MayRead = bytes == target.Length;
        }

        return bytes;
    }

    /// <summary>Gives the bytes sent, which may be fewer than were offered; -1 where there is no room or it has failed.</summary>
    internal long Send(BufferVector* vectors, int count)
    {
        MessageHeader message = new() { Vectors = vectors, VectorCount = (nuint)count };
        nint sent = LibC.SendMessage(Descriptor, &message, DontWaitNoSignal);
        if (sent < 0)
        {
            MayWrite = IsInterruption();
        }

        return sent;
    }

    internal void Close()
    {
        _ = LibC.Close(Descriptor);
        Descriptor = -1;
    }

    private bool IsInterruption()
    {
        int error = Marshal.GetLastPInvokeError();
        HasFailed |= error is not (Errno.TryAgain or Errno.Interrupted);
        return error == Errno.Interrupted;
    }
}
