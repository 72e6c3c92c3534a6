using Microsoft.Extensions.Logging;
using PcieOe.Daemon.Control;
using PcieOe.Daemon.Hosting;
using PcieOe.Daemon.Metrics;
using PcieOe.Daemon.Workers;
using PcieOe.Host.Configuration;
using PcieOe.Host.Control;
using PcieOe.Host.Engine;
using PcieOe.Host.FrontEnds.Nbd;
using PcieOe.Host.FrontEnds.Nbd.Server;
using PcieOe.Host.FrontEnds.VfioUser;
using PcieOe.Host.NvmeDriver;
using PcieOe.Host.RootComplex;
using PcieOe.Protocol.Keys;
using PcieOe.Protocol.Link;
using PcieOe.Protocol.Sessions;
using PcieOe.Transport.Polling;
using PcieOe.Transport.Ports;

namespace PcieOe.Host;

/// <summary>The host agent: port, attachments, worker, front ends, control socket; opened in this order and closed in the reverse one.</summary>
internal sealed class HostDaemon(HostOptions options, ILoggerFactory loggers, Func<IPort>? openPort = null) : IDaemon
{
    private const int LongestBlindSleepMicroseconds = 200;
    private static readonly TimeSpan CloseLimit = TimeSpan.FromSeconds(3);

    private readonly ILogger _logger = loggers.CreateLogger("host");
    private IPort? _port;
    private HostEngine? _engine;
    private PollWorker? _worker;
    private PortWatch? _portWatch;
    private readonly List<NbdServer> _nbdServers = [];
    private ControlServer? _control;
    private MetricsServer? _metrics;

    public Task Ended => _worker!.Ended;

    public long Heartbeat => _worker?.Rounds ?? 0;

    public Task StartAsync(CancellationToken cancellation)
    {
        _port = openPort?.Invoke() ?? PortOpener.Open(options.Daemon.Port, []);
        _engine = new HostEngine(options.Attachments.Select((attachment, index) =>
            new Attachment(attachment.Name, attachment.Tenant, SessionOptions(attachment, index, _port.MaximumTransmissionUnit), new RootComplexOptions { HidesFunctionMemory = !attachment.OffersFunctionMemory },
                options.Daemon.Hops, options.IsClockShared, _logger)));
        if (GatekeeperOpener.Open(options.Daemon, options.Attachments.Count) is { } gatekeeper)
        {
            _engine.UseGatekeeper(gatekeeper);
        }

        PollWaiter waiter = new(new PollWaiterOptions { Policy = options.Daemon.Polling });
        _worker = new PollWorker("host worker", _port, PortOpener.Framing(options.Daemon.Port), _engine, waiter, LongestBlindSleepMicroseconds, options.Daemon.WorkerProcessor, _logger);
        _engine.UseHandshakes(_worker.Wake);
        foreach ((AttachmentOptions attachment, int index) in options.Attachments.Select((attachment, index) => (attachment, index)))
        {
            foreach (VfioUserOptions vfioUser in attachment.FrontEnds.Select(frontEnd => frontEnd.VfioUser).OfType<VfioUserOptions>())
            {
                _engine.Attachments[index].Add(VfioUserFrontEnd.Start(vfioUser, _engine.Attachments[index].Port, _worker.Wake, _logger, _engine.Attachments[index].Hops));
            }
        }

        StartNbdServers(_engine, _worker);
        HostControl control = new(options, _engine, _worker, _port, _nbdServers);
        if (options.Daemon.Metrics is { } metrics)
        {
            _metrics = MetricsServer.Start(metrics, control.StatusAsync, _logger);
        }

        if (options.Daemon.ControlSocket is { } path)
        {
            _control = ControlServer.Start(path, control.HandleAsync, _logger);
        }

        _worker.Post(_engine.Start);
        _worker.Start();
        _portWatch = PortWatch.Start(_port, _logger);
        Log.Started(_logger, options.Daemon.Name, options.Attachments.Count, _port.Name, _port.Address, _port.MaximumTransmissionUnit);
        return Task.CompletedTask;
    }

    public async Task StopAsync()
    {
        if (_worker is not { Ended.IsCompleted: false } worker)
        {
            return;
        }

        await Task.WhenAll(_nbdServers.Select(server => server.StopAsync())).ConfigureAwait(false);
        await worker.DrainAsync(_engine!.Stop, () => _engine!.IsClosed, CloseLimit).ConfigureAwait(false);
    }

    public async ValueTask DisposeAsync()
    {
        if (_metrics is not null)
        {
            await _metrics.DisposeAsync().ConfigureAwait(false);
        }

        if (_control is not null)
        {
            await _control.DisposeAsync().ConfigureAwait(false);
        }

        _portWatch?.Dispose();
        _worker?.Dispose();
        _nbdServers.ForEach(server => server.Join());
        _engine?.Dispose();
        _nbdServers.ForEach(server => server.Dispose());
        _port?.Dispose();
    }

    /// <summary>One server for each address, whichever attachments it serves. Before the worker starts.</summary>
    private void StartNbdServers(HostEngine engine, PollWorker worker)
    {
        var exports = options.Attachments.SelectMany((attachment, index) =>
            attachment.FrontEnds.Select(frontEnd => (Attachment: engine.Attachments[index], Options: frontEnd.Nbd)).Where(entry => entry.Options is not null));
        foreach (var server in exports.GroupBy(entry => entry.Options!.Address))
        {
            List<(BlockDevice, BlockDeviceChannel, string, bool)> devices = [];
            foreach ((Attachment attachment, NbdOptions? nbd) in server)
            {
                BlockDevice device = attachment.ShareBlockDevice(worker.Wake, MonotonicClock.Nanoseconds)
                    ?? throw new InvalidOperationException($"{attachment.Name} has another client already.");
                devices.Add((device, device.Open(NbdServer.ChannelDepth), nbd!.Export ?? attachment.Name, nbd.IsReadOnly));
            }

            _nbdServers.Add(NbdServer.Start(server.Key, devices, options.Daemon.Polling, _logger));
        }
    }

    private HostSessionOptions SessionOptions(AttachmentOptions attachment, int index, int mtu) => new()
    {
        HostName = options.Daemon.Name,
        Credential = attachment.Key is { } key ? new HostCredential(options.Daemon.Name, key) : null,
        TargetName = attachment.Target,
        TargetAddress = attachment.TargetAddress,
        FunctionName = attachment.Function,
        Index = index,
        Link = new LinkOptions { MaximumTransmissionUnit = Math.Min(mtu, LinkOptions.MaximumMtu) },
    };
}
