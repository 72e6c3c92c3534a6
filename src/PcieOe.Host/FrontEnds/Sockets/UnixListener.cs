using System.Runtime.InteropServices;
using System.Text;
using PcieOe.Host.Interop;

namespace PcieOe.Host.FrontEnds.Sockets;

/// <summary>A listening UNIX stream socket at a path. What a killed process left there is removed; what another process serves is not.</summary>
internal sealed unsafe class UnixListener : IDisposable
{
    private const int UnixFamily = 1;
    private const int Stream = 1;
    private const int NonBlockingCloseOnExec = 0x800 | 0x80000;

    private readonly string _path;

    private UnixListener(string path, int descriptor)
    {
        _path = path;
        Descriptor = descriptor;
    }

    public int Descriptor { get; }

    /// <param name="waitingClients">Clients that the kernel keeps until they are accepted.</param>
    /// <exception cref="IOException">The path cannot be listened on; the message says why and what to do.</exception>
    public static UnixListener Listen(string path, int waitingClients)
    {
        if (Encoding.UTF8.GetByteCount(path) >= UnixSocketAddress.PathBytes)
        {
            throw new IOException($"{path} is too long for a socket: at most {UnixSocketAddress.PathBytes - 1} bytes.");
        }

        int descriptor = LibC.Socket(UnixFamily, Stream | NonBlockingCloseOnExec, 0);
        UnixSocketAddress address = Address(path);
        int error = descriptor < 0 ? Marshal.GetLastPInvokeError() : Bind(descriptor, &address);
        if (error == Errno.AddressInUse && IsAbandoned(&address))
        {
            File.Delete(path);
            error = Bind(descriptor, &address);
        }

        if (error == Errno.None && LibC.Listen(descriptor, waitingClients) == 0)
        {
            return new UnixListener(path, descriptor);
        }

        error = error == Errno.None ? Marshal.GetLastPInvokeError() : error;
        _ = descriptor < 0 ? 0 : LibC.Close(descriptor);
        string advice = error == Errno.AddressInUse ? "another process serves it: choose another path or stop that process" : "does the directory exist, and may this user write to it?";
        throw new IOException($"Could not listen on {path}: {Errno.Describe(error)}; {advice}");
    }

    /// <summary>A client's socket, non-blocking; -1 if none waits.</summary>
    public int TryAccept() => LibC.Accept(Descriptor, null, null, NonBlockingCloseOnExec);

    public void Dispose()
    {
        _ = LibC.Close(Descriptor);
        File.Delete(_path);
    }

    /// <summary>Connects to a listening socket; -1 and the reason in the last error if that fails.</summary>
    internal static int Connect(string path)
    {
        UnixSocketAddress address = Address(path);
        int descriptor = LibC.Socket(UnixFamily, Stream | NonBlockingCloseOnExec, 0);
        if (LibC.Connect(descriptor, &address, (uint)sizeof(UnixSocketAddress)) == 0)
        {
            return descriptor;
        }

        int error = Marshal.GetLastPInvokeError();
        _ = LibC.Close(descriptor);
        Marshal.SetLastPInvokeError(error);
        return -1;
    }

    private static int Bind(int descriptor, UnixSocketAddress* address) =>
        LibC.Bind(descriptor, address, (uint)sizeof(UnixSocketAddress)) == 0 ? Errno.None : Marshal.GetLastPInvokeError();

    private static bool IsAbandoned(UnixSocketAddress* address)
    {
        int probe = LibC.Socket(UnixFamily, Stream | NonBlockingCloseOnExec, 0);
        bool isAbandoned = LibC.Connect(probe, address, (uint)sizeof(UnixSocketAddress)) < 0 && Marshal.GetLastPInvokeError() == Errno.ConnectionRefused;
        _ = LibC.Close(probe);
        return isAbandoned;
    }

    private static UnixSocketAddress Address(string path)
    {
        var address = new UnixSocketAddress { Family = UnixFamily };
        Encoding.UTF8.GetBytes(path, new Span<byte>(address.Path, UnixSocketAddress.PathBytes));
        return address;
    }
}
