using Microsoft.Extensions.Logging;
using PcieOe.Daemon.Control;
using PcieOe.Daemon.Hosting;
using PcieOe.Daemon.Metrics;
using PcieOe.Daemon.Workers;
using PcieOe.Protocol.Handshake;
using PcieOe.Protocol.Keys;
using PcieOe.Protocol.Link;
using PcieOe.Protocol.Sessions;
using PcieOe.Target.Configuration;
using PcieOe.Target.Control;
using PcieOe.Target.Engine;
using PcieOe.Target.Hops;
using PcieOe.Target.Policies;
using PcieOe.Transport.Polling;
using PcieOe.Transport.Ports;

namespace PcieOe.Target;

/// <summary>The target daemon: port, functions, sessions, worker, control socket; opened in this order and closed in the reverse one.</summary>
internal sealed class TargetDaemon(TargetOptions options, ILoggerFactory loggers, Func<IPort>? openPort = null) : IDaemon
{
    private static readonly TimeSpan DrainLimit = TimeSpan.FromSeconds(3);

    private readonly ILogger _logger = loggers.CreateLogger("target");
    private IPort? _port;
    private TargetEngine? _engine;
    private PollWorker? _worker;
    private PortWatch? _portWatch;
    private HandshakeRunner? _handshakes;
    private ControlServer? _control;
    private MetricsServer? _metrics;

    public Task Ended => _worker!.Ended;

    public long Heartbeat => _worker?.Rounds ?? 0;

    public Task StartAsync(CancellationToken cancellation)
    {
        _port = openPort?.Invoke() ?? PortOpener.Open(options.Daemon.Port, [HandshakeAddresses.Targets]);
        List<PooledFunction> functions = [];
        NestedQosPolicy? policy = CreatePolicy();
        TargetHops hops = new(options.Daemon.Hops.SampleEvery, options.Hosts.ToDictionary(host => host.Name, host => host.Tenant));
        try
        {
            functions.AddRange(options.Functions.Select(function => FunctionFactory.Create(function, policy, hops)));
            _engine = new TargetEngine(SessionOptions(_port.MaximumTransmissionUnit), functions, policy, hops, _logger);
        }
        catch
        {
            functions.ForEach(function => function.Dispose());
            policy?.Dispose();
            hops.Dispose();
            throw;
        }

        if (GatekeeperOpener.Open(options.Daemon, _engine.Sessions.MaximumEntries) is { } gatekeeper)
        {
            _engine.UseGatekeeper(gatekeeper);
        }

        PollWaiter waiter = new(new PollWaiterOptions { Policy = options.Daemon.Polling });
        foreach (int descriptor in functions.Select(function => function.Function.WakeUpDescriptor).Where(descriptor => descriptor >= 0))
        {
            waiter.AddDescriptor(descriptor);
        }

        _worker = new PollWorker("target worker", _port, PortOpener.Framing(options.Daemon.Port), _engine, waiter, 200, options.Daemon.WorkerProcessor, _logger);
        _handshakes = new HandshakeRunner(_worker.Wake);
        _engine.UseHandshakes(_handshakes);
        TargetControl control = new(options, _engine, _worker, _port, _logger);
        if (options.Daemon.Metrics is { } metrics)
        {
            _metrics = MetricsServer.Start(metrics, control.StatusAsync, _logger);
        }

        if (options.Daemon.ControlSocket is { } path)
        {
            _control = ControlServer.Start(path, control.HandleAsync, _logger);
        }

        _worker.Start();
        _portWatch = PortWatch.Start(_port, _logger);
        Log.Started(_logger, options.Daemon.Name, functions.Count, _port.Name, _port.Address, _port.MaximumTransmissionUnit,
            options.Daemon.IsInsecure ? "insecure" : "keyed");
        return Task.CompletedTask;
    }

    public async Task StopAsync()
    {
        Log.Draining(_logger);
        if (_worker is { Ended.IsCompleted: false } worker)
        {
            await worker.DrainAsync(_engine!.Sessions.Drain, () => _engine.Sessions.Count == 0, DrainLimit).ConfigureAwait(false);
        }
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
        _handshakes?.Dispose();
        _engine?.Dispose();
        _port?.Dispose();
    }

    private NestedQosPolicy? CreatePolicy() => options.NestedQos is not { } settings ? null : new NestedQosPolicy(
        settings.Options with { MaximumWaiting = options.Functions.Count * NestedQosAdmission.MaximumCommands },
        options.Hosts.ToDictionary(host => host.Name, host => host.Tenant),
        settings.OtherTenant,
        MonotonicClock.Nanoseconds);

    private TargetSessionsOptions SessionOptions(int mtu) => new()
    {
        TargetName = options.Daemon.Name,
        Hosts = options.Daemon.IsInsecure ? null : [.. options.Hosts.Where(host => host.Key is not null).Select(host => new HostCredential(host.Name, host.Key))],
        MaximumSessions = options.MaximumSessions,
        LeaseMilliseconds = options.LeaseSeconds * 1000,
        Link = new LinkOptions { MaximumTransmissionUnit = Math.Min(mtu, LinkOptions.MaximumMtu) },
    };
}
