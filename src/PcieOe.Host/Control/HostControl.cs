using System.Text.Json.Nodes;
using PcieOe.Daemon.Control;
using PcieOe.Daemon.Status;
using PcieOe.Daemon.Workers;
using PcieOe.Host.Configuration;
using PcieOe.Host.Engine;
using PcieOe.Transport.Ports;

namespace PcieOe.Host.Control;

/// <summary>Answers the host agent's control commands: status, bench.</summary>
internal sealed class HostControl(HostOptions options, HostEngine engine, PollWorker worker, IPort port)
{
    public async Task<JsonObject> HandleAsync(JsonObject request, Func<JsonObject, ValueTask> progress, CancellationToken cancellation) =>
        request.Text("command") switch
        {
            "status" => await StatusAsync().ConfigureAwait(false),
            string other => ControlProtocol.Error($"A host agent knows no command '{other}': status, bench."),
            null => ControlProtocol.Error("A request names its \"command\"."),
        };

    private async Task<JsonObject> StatusAsync()
    {
        JsonObject status = ControlProtocol.Success();
        status["daemon"] = "pcieoe-host";
        status["name"] = options.Daemon.Name;
        status["process"] = StatusJson.OfProcess();
        status["worker"] = StatusJson.OfWorker(worker, options.Daemon.Polling.ToString().ToLowerInvariant());
        status["port"] = await worker.AskAsync(_ => StatusJson.OfPort(port)).ConfigureAwait(false);
        status["attachments"] = await worker.AskAsync(_ => HostStatus.Attachments(engine)).ConfigureAwait(false);
        return status;
    }
}
