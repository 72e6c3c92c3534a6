using System.Net;
using PcieOe.Transport.Policies.Gatekeeper;
using PcieOe.Transport.Polling;

namespace PcieOe.Daemon.Configuration;

/// <summary>What both daemons are told alike.</summary>
public sealed record DaemonSettings
{
    /// <summary>Who this daemon is to its peers: at most 63 bytes.</summary>
    public required string Name { get; init; }

    public required PortSettings Port { get; init; }

    /// <summary>How the worker waits when there is nothing to do.</summary>
    public PollPolicy Polling { get; init; } = PollPolicy.Adaptive;

    /// <summary>The processor the worker is bound to; null for whichever the kernel chooses.</summary>
    public int? WorkerProcessor { get; init; }

    /// <summary>The UNIX socket behind <c>pcieoe status</c>; null for none.</summary>
    public string? ControlSocket { get; init; }

    /// <summary>Where Prometheus may ask for metrics over HTTP; null: nowhere.</summary>
    public IPEndPoint? Metrics { get; init; }

    /// <summary>Sessions without keys are allowed: CRC-32C instead of AES-GCM, and whoever is on the wire gets in.</summary>
    public bool IsInsecure { get; init; }

    public HopSettings Hops { get; init; } = new();

    /// <summary>Bandwidth limits of the port's tenants; null: none.</summary>
    public GatekeeperOptions? Gatekeeper { get; init; }

    public static DaemonSettings Read(ConfigurationReader reader, string defaultControlSocket)
    {
        string name = reader.RequiredText("name", "who this daemon is to its peers");
        if (System.Text.Encoding.UTF8.GetByteCount(name) > 63)
        {
            reader.Report("name", "is longer than 63 bytes.");
        }

        int processor = (int)reader.Integer("workerProcessor", -1, -1, 1023);
        if (processor >= Environment.ProcessorCount)
        {
            reader.Report("workerProcessor", $"is {processor}, and this machine's processors are 0 to {Environment.ProcessorCount - 1}.");
        }

        IPEndPoint? metrics = null;
        string? address = reader.Text("metrics");
        if (address is not null && (!IPEndPoint.TryParse(address, out metrics) || metrics.Port == 0))
        {
            reader.Report("metrics", $"is '{address}', where an address and a port belong, such as 127.0.0.1:9100.");
        }

        return new DaemonSettings
        {
            Name = name,
            Port = PortSettings.Read(reader.Section("port")),
            Polling = reader.Choice("polling", PollPolicy.Adaptive),
            WorkerProcessor = processor < 0 ? null : processor,
            ControlSocket = reader.Text("controlSocket") ?? defaultControlSocket,
            Metrics = metrics,
            IsInsecure = reader.Flag("insecure", false),
            Hops = HopSettings.Read(reader),
            Gatekeeper = GatekeeperSettings.Read(reader),
        };
    }
}
