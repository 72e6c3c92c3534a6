using System.Text.Json.Nodes;
using PcieOe.Cli.Lab.Scenarios;
using PcieOe.Daemon.Control;
using PcieOe.Host.Bench;
using PcieOe.Protocol.Hops;

namespace PcieOe.Cli.Lab.Daemons;

/// <summary>A target and a host agent with one function between them, as processes in the two namespaces of a lab.</summary>
internal sealed class DaemonPair
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(30);

    private readonly NetworkLab _lab;
    private readonly LabFolder _folder;
    private readonly PathOptions _path;
    private readonly string _key = LabConfiguration.NewKey();
    private readonly string _number;

    private DaemonPair(NetworkLab lab, LabFolder folder, PathOptions path)
    {
        _lab = lab;
        _folder = folder;
        _path = path;
        _number = folder.NextNumber();
        Target = StartTarget();
        Host = DaemonProcess.Start(start => lab.Start(lab.Second, start), "pcieoe-host", folder.Path, LabConfiguration.Host(
            path, 0, NetworkLab.InterfaceName, Socket("h"), Environment.ProcessorCount > 1 ? 0 : null, _key, path.Polling));
    }

    internal DaemonProcess Target { get; private set; }

    internal DaemonProcess Host { get; }

    internal static async Task<DaemonPair> StartAsync(NetworkLab lab, LabFolder folder, PathOptions path, CancellationToken cancellation)
    {
        DaemonPair pair = new(lab, folder, path);
        await pair.Target.WaitAsync(_ => true, StartLimit, cancellation).ConfigureAwait(false);
        await pair.Host.WaitAsync(IsAttached, StartLimit, cancellation).ConfigureAwait(false);
        return pair;
    }

    /// <summary>Runs one workload. Progress is 0 to 1.</summary>
    internal async Task<WorkloadResult> BenchAsync(BenchRequest request, string name, Action<double>? onProgress, CancellationToken cancellation)
    {
        JsonObject answer = await Host.AskAsync(request.ToJson(name), line => onProgress?.Invoke(line.Number("progress", 0)), cancellation).ConfigureAwait(false);
        return BenchRequest.ResultOf(answer);
    }

    /// <summary>Wastes time in one hop of sampled commands from now on; null: in none.</summary>
    internal async Task InjectAsync(HopDelay? delay, CancellationToken cancellation)
    {
        foreach (DaemonProcess daemon in (DaemonProcess[])[Host, Target])
        {
            JsonObject request = new() { ["command"] = "inject", ["hop"] = delay is null ? null : HopNames.Of(delay.Hop), ["ns"] = delay?.Nanoseconds ?? 0 };
            await daemon.AskAsync(request, null, cancellation).ConfigureAwait(false);
        }
    }

    internal async Task<JsonObject> StatusAsync(CancellationToken cancellation)
    {
        JsonObject request() => new() { ["command"] = "status" };
        return new JsonObject
        {
            ["host"] = await Host.AskAsync(request(), null, cancellation).ConfigureAwait(false),
            ["target"] = await Target.AskAsync(request(), null, cancellation).ConfigureAwait(false),
        };
    }

    /// <summary>Kills the target as a crash would, and starts it again at once.</summary>
    internal void RestartTarget()
    {
        Target.Kill();
        Target = StartTarget();
    }

    internal void End()
    {
        Host.Kill();
        Target.Kill();
    }

    internal static bool IsAttached(JsonObject status) =>
        status["attachments"] is JsonArray attachments && attachments.All(attachment => attachment?["state"]?.GetValue<string>() == "up");

    private DaemonProcess StartTarget() => DaemonProcess.Start(start => _lab.Start(_lab.First, start), "pcieoe-target", _folder.Path, LabConfiguration.Target(
        _path, NetworkLab.InterfaceName, Socket("t"), Environment.ProcessorCount > 1 ? 1 : null, [_key], _path.Polling));

    private string Socket(string role) => System.IO.Path.Combine(_folder.Path, $"{role}{_number}.sock");
}
