using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace PcieOe.Daemon.Hosting;

/// <summary>
/// Tells systemd how the daemon is (man 3 sd_notify): ready, stopping, and alive as often as WATCHDOG_USEC asks, but only while the
/// worker's rounds go on. Does nothing where NOTIFY_SOCKET is not set.
/// </summary>
internal sealed class SystemdNotifier : IDisposable
{
    private readonly Socket? _socket;
    private readonly Timer? _watchdog;
    private readonly Func<long> _heartbeat;
    private long _lastHeartbeat = -1;

    private SystemdNotifier(string? path, Func<long> heartbeat)
    {
        _heartbeat = heartbeat;
        if (string.IsNullOrEmpty(path))
        {
            return;
        }

        // A name that begins with @ is in the abstract namespace, whose names begin with a zero byte.
        string address = path[0] == '@' ? "\0" + path[1..] : path;
        _socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        _socket.Connect(new UnixDomainSocketEndPoint(address));
        string? interval = Environment.GetEnvironmentVariable("WATCHDOG_USEC");
        if (long.TryParse(interval, NumberStyles.None, CultureInfo.InvariantCulture, out long microseconds) && microseconds > 0)
        {
            TimeSpan period = TimeSpan.FromMicroseconds(microseconds / 2.0);
            _watchdog = new Timer(_ => Beat(), null, period, period);
        }
    }

    public static SystemdNotifier Start(Func<long> heartbeat)
    {
        SystemdNotifier notifier = new(Environment.GetEnvironmentVariable("NOTIFY_SOCKET"), heartbeat);
        notifier.Send("READY=1");
        return notifier;
    }

    public void OnStopping() => Send("STOPPING=1");

    public void Dispose()
    {
        _watchdog?.Dispose();
        _socket?.Dispose();
    }

    private void Beat()
    {
        long heartbeat = _heartbeat();
        if (heartbeat != _lastHeartbeat)
        {
            _lastHeartbeat = heartbeat;
            Send("WATCHDOG=1");
        }
    }

    private void Send(string state)
    {
        try
        {
            _socket?.Send(Encoding.UTF8.GetBytes(state));
        }
        catch (SocketException)
        {
            // systemd not listening is no reason to stop serving.
        }
    }
}
