using Microsoft.Extensions.Logging;
using PcieOe.Transport.Ports;

namespace PcieOe.Daemon.Workers;

/// <summary>
/// Says in the log when a port passes no frames any more, and when it does again. Not on the worker's thread, which does not log: this one
/// reads what the worker has found out, a word that is whole whenever it is read.
/// </summary>
public sealed class PortWatch : IDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500);

    private readonly IPort _port;
    private readonly ILogger _logger;
    private readonly Timer? _timer;
    private PortState _last = PortState.Up;

    internal PortWatch(IPort port, ILogger logger, TimeSpan? interval)
    {
        _port = port;
        _logger = logger;
        if (interval is { } period)
        {
            _timer = new Timer(static watch => ((PortWatch)watch!).Look(), this, period, period);
        }
    }

    /// <summary>Looks twice a second until it is disposed of, which must be before the port is.</summary>
    public static PortWatch Start(IPort port, ILogger logger) => new(port, logger, Interval);

    public void Dispose()
    {
        using ManualResetEvent ended = new(initialState: false);
        if (_timer?.Dispose(ended) == true)
        {
            ended.WaitOne();
        }
    }

    internal void Look()
    {
        PortState state = _port.State;
        if (state == _last)
        {
            return;
        }

        _last = state;
        switch (state)
        {
            case PortState.Up:
                Log.PortUp(_logger, _port.Name);
                break;
            case PortState.Down:
                Log.PortDown(_logger, _port.Name);
                break;
            default:
                Log.PortMtuTooSmall(_logger, _port.Name, _port.MaximumTransmissionUnit);
                break;
        }
    }
}
