using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;
using PcieOe.Daemon.Control;
using PcieOe.Daemon.Status;
using PcieOe.Daemon.Workers;
using PcieOe.Protocol.Sessions;
using PcieOe.Target.Configuration;
using PcieOe.Target.Engine;
using PcieOe.Transport.Ports;

namespace PcieOe.Target.Control;

/// <summary>Answers the target's control commands: status, assign, release, timing, class-set, qos-reset, inject, bandwidth-set, sample.</summary>
internal sealed class TargetControl(TargetOptions options, TargetEngine engine, PollWorker worker, IPort port, ILogger logger)
{
    public async Task<JsonObject> HandleAsync(JsonObject request, Func<JsonObject, ValueTask> progress, CancellationToken cancellation) =>
        request.Text("command") switch
        {
            "status" => await StatusAsync().ConfigureAwait(false),
            "assign" => await AssignAsync(request).ConfigureAwait(false),
            "release" => await ReleaseAsync(request).ConfigureAwait(false),
            "timing" => await OnFunctionAsync(request, (function, _) => TimingCommand.Run(function, request)).ConfigureAwait(false),
            "inject" => await InjectAsync(request).ConfigureAwait(false),
            "qos-reset" => await NestedQosCommands.ResetAsync(worker, engine).ConfigureAwait(false),
            "class-set" => await NestedQosCommands.SetAsync(request, worker, engine).ConfigureAwait(false),
            "bandwidth-set" => await PolicyCommands.SetAsync(request, worker, () => engine.Gatekeeper).ConfigureAwait(false),
            "sample" => await SampleCommand.RunAsync(
                request, worker, () => engine.Sessions.Established.Select(session => (session.HostName, session.Counters)), progress, cancellation).ConfigureAwait(false),
            string other => ControlProtocol.Error($"A target knows no command '{other}': status, assign, release, timing, class-set, qos-reset, inject, bandwidth-set, sample."),
            null => ControlProtocol.Error("A request names its \"command\"."),
        };

    /// <summary>What 'pcieoe status' and the metrics show.</summary>
    public async Task<JsonObject> StatusAsync()
    {
        JsonObject status = ControlProtocol.Success();
        status["daemon"] = "pcieoe-target";
        status["name"] = options.Daemon.Name;
        status["process"] = StatusJson.OfProcess();
        status["worker"] = StatusJson.OfWorker(worker, options.Daemon.Polling.ToString().ToLowerInvariant());
        status["port"] = await worker.AskAsync(_ => StatusJson.OfPort(port)).ConfigureAwait(false);
        status["sessions"] = await worker.AskAsync(now => TargetStatus.Sessions(engine, now)).ConfigureAwait(false);
        status["functions"] = await worker.AskAsync(_ => TargetStatus.Functions(engine)).ConfigureAwait(false);
        if (engine.Policy is { } policy)
        {
            status["nested_qos"] = await worker.AskAsync(_ => NestedQosStatus.Of(policy)).ConfigureAwait(false);
        }

        if (engine.Gatekeeper is not null)
        {
            status["gatekeeper"] = await worker.AskAsync(_ => GatekeeperStatus.Of(engine.Gatekeeper)).ConfigureAwait(false);
        }

        status["listener"] = await worker.AskAsync(_ => TargetStatus.Listener(engine)).ConfigureAwait(false);
        status["hops"] = TargetStatus.Hops(engine.Hops.Totals);
        return status;
    }

    private async Task<JsonObject> InjectAsync(JsonObject request)
    {
        if (!InjectRequest.TryParse(request, out InjectRequest inject, out string problem))
        {
            return ControlProtocol.Error(problem);
        }

        return await worker.AskAsync(_ =>
        {
            inject.Apply(engine.Hops.Delays);
            return ControlProtocol.Success();
        }).ConfigureAwait(false);
    }

    private async Task<JsonObject> AssignAsync(JsonObject request)
    {
        string? host = request.Text("host");
        if (string.IsNullOrEmpty(host) || (host != "*" && options.Hosts.Count > 0 && options.Hosts.All(entry => entry.Name != host)))
        {
            return ControlProtocol.Error($"No host '{host}' is configured. Known: {string.Join(", ", options.Hosts.Select(entry => entry.Name))}.");
        }

        return await OnFunctionAsync(request, (function, now) =>
        {
            if (function.Session is { } session && host != "*" && session.HostName != host)
            {
                return ControlProtocol.Error($"Host '{session.HostName}' holds {function.Name}: release it first.");
            }

            function.Hosts = [host];
            Log.FunctionAssigned(logger, function.Name, host);
            return ControlProtocol.Success();
        }).ConfigureAwait(false);
    }

    private Task<JsonObject> ReleaseAsync(JsonObject request) => OnFunctionAsync(request, (function, now) =>
    {
        string? holder = function.Session?.HostName;
        function.Hosts = [];
        if (function.Session is { } session)
        {
            engine.Sessions.Close(session, SessionEnd.Released, now);
        }

        JsonObject answer = ControlProtocol.Success();
        answer["holder"] = holder;
        return answer;
    });

    private Task<JsonObject> OnFunctionAsync(JsonObject request, Func<PooledFunction, long, JsonObject> action)
    {
        string name = request.Text("function") ?? string.Empty;
        return worker.AskAsync(now => engine.Find(name) is { } function
            ? action(function, now)
            : ControlProtocol.Error($"There is no function '{name}'. Functions: {string.Join(", ", engine.Functions.Select(member => member.Name))}."));
    }
}
