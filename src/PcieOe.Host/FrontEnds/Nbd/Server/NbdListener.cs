using System.Net.Sockets;
using PcieOe.Host.FrontEnds.Sockets;
using PcieOe.Host.Interop;

namespace PcieOe.Host.FrontEnds.Nbd.Server;

/// <summary>A listening socket, of either kind.</summary>
internal sealed unsafe class NbdListener : IDisposable
{
    private const int WaitingClients = 64;
    private const int NonBlockingCloseOnExec = 0x800 | 0x80000;
    private const int KeepAliveIdleSeconds = 30;
    private const int KeepAliveProbes = 4;

    private readonly UnixListener? _unix;
    private readonly Socket? _tcp;

    /// <exception cref="IOException">It cannot be listened on; the message says why and what to do.</exception>
    internal NbdListener(NbdAddress address)
    {
        if (address.EndPoint is not { } endPoint)
        {
            _unix = UnixListener.Listen(address.UnixPath!, WaitingClients);
            Descriptor = _unix.Descriptor;
            return;
        }

        _tcp = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            // Sockets that are accepted inherit all of these (man 7 tcp): small replies leave at once, and a client that vanished is found out.
            _tcp.NoDelay = true;
            _tcp.Blocking = false;
            _tcp.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
            _tcp.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
            _tcp.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, KeepAliveIdleSeconds);
            _tcp.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval, KeepAliveIdleSeconds);
            _tcp.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount, KeepAliveProbes);
            _tcp.Bind(endPoint);
            _tcp.Listen(WaitingClients);
        }
        catch (SocketException exception)
        {
            _tcp.Dispose();
            throw new IOException($"Could not listen on {address}: {exception.Message}; does this machine have the address, and is the port free?", exception);
        }

        Descriptor = (int)_tcp.SafeHandle.DangerousGetHandle();
    }

    internal int Descriptor { get; }

    /// <summary>A client's socket, non-blocking; -1 if none waits.</summary>
    internal int TryAccept() => LibC.Accept(Descriptor, null, null, NonBlockingCloseOnExec);

    public void Dispose()
    {
        _unix?.Dispose();
        _tcp?.Dispose();
    }
}
