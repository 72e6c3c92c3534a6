using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.Json.Nodes;
using PcieOe.Daemon.Configuration;
using PcieOe.Daemon.Control;
using PcieOe.Daemon.Status;
using PcieOe.Daemon.Workers;
using PcieOe.Host.Bench;
using PcieOe.Host.Bench.Traces;
using PcieOe.Host.Configuration;
using PcieOe.Host.Engine;
using PcieOe.Host.FrontEnds.Nbd.Server;
using PcieOe.Transport.Ports;

namespace PcieOe.Host.Control;

/// <summary>Answers the host agent's control commands: status, bench.</summary>
internal sealed class HostControl(HostOptions options, HostEngine engine, PollWorker worker, IPort port, IReadOnlyList<NbdServer> nbdServers)
{
    private readonly ConcurrentDictionary<string, BenchRunner> _runners = new();

    public async Task<JsonObject> HandleAsync(JsonObject request, Func<JsonObject, ValueTask> progress, CancellationToken cancellation) =>
        request.Text("command") switch
        {
            "status" => await StatusAsync().ConfigureAwait(false),
            "inject" => await InjectAsync(request).ConfigureAwait(false),
            "bench" => await BenchAsync(request, progress, cancellation).ConfigureAwait(false),
            "bandwidth-set" => await PolicyCommands.SetAsync(request, worker, () => engine.Gatekeeper).ConfigureAwait(false),
            "sample" => await SampleCommand.RunAsync(
                request, worker, () => engine.Attachments.Select(attachment => (attachment.Name, attachment.Session.Counters)), progress, cancellation).ConfigureAwait(false),
            string other => ControlProtocol.Error($"A host agent knows no command '{other}': status, inject, bench, bandwidth-set, sample."),
            null => ControlProtocol.Error("A request names its \"command\"."),
        };

    private async Task<JsonObject> BenchAsync(JsonObject request, Func<JsonObject, ValueTask> progress, CancellationToken cancellation)
    {
        string? attachmentName = request.Text("attachment");
        Attachment? attachment = attachmentName is null ? engine.Attachments[0] : engine.Find(attachmentName);
        if (attachment is null)
        {
            return ControlProtocol.Error($"There is no attachment '{attachmentName}'. Attachments: {string.Join(", ", engine.Attachments.Select(entry => entry.Name))}.");
        }

        if (request.Text("replay") is { } trace)
        {
            return await ReplayAsync(attachment, trace, request, progress, cancellation).ConfigureAwait(false);
        }

        if (!WorkloadOptions.TryParsePattern(request.Text("rw") ?? "randread", out WorkloadPattern pattern))
        {
            return ControlProtocol.Error($"rw is '{request.Text("rw")}', where one of these belongs: {WorkloadOptions.PatternNames}.");
        }

        WorkloadOptions workload = new()
        {
            Pattern = pattern,
            BlockBytes = (int)request.Number("bs", 4096),
            QueueDepth = (int)request.Number("qd", 1),
            Seconds = request.Number("seconds", 2),
            MaximumCommands = (long)request.Number("commands", 0),
            WorkingSetBytes = (long)request.Number("working_set", 256L << 20),
            ReadPercent = (int)request.Number("read_percent", 70),
            RatePerSecond = request.Number("rate", 0),
            IsPoisson = request.Flag("poisson", false),
            Seed = (ulong)request.Number("seed", 1),
            SampleEvery = request["sample_every"] is null ? null : (int)Math.Clamp(request.Number("sample_every", 0), 0, HopSettings.MaximumSampleEvery),
        };
        return await RunAsync(attachment, workload, request, progress, cancellation).ConfigureAwait(false);
    }

    private async Task<JsonObject> ReplayAsync(Attachment attachment, string path, JsonObject request, Func<JsonObject, ValueTask> progress, CancellationToken cancellation)
    {
        ArrivalTrace trace;
        try
        {
            trace = ArrivalTrace.Load(path);
        }
        catch (TraceException exception)
        {
            return ControlProtocol.Error(exception.Message);
        }

        WorkloadOptions workload = WorkloadOptions.Replay(trace, (int)request.Number("qd", 1));
        return await RunAsync(attachment, workload, request, progress, cancellation).ConfigureAwait(false);
    }

    private async Task<JsonObject> RunAsync(
        Attachment attachment, WorkloadOptions workload, JsonObject request, Func<JsonObject, ValueTask> progress, CancellationToken cancellation)
    {
        BenchRunner runner = _runners.GetOrAdd(attachment.Name, _ => new BenchRunner(attachment, worker));
        try
        {
            WorkloadResult result = await runner.RunAsync(
                workload,
                request.Text("name") ?? workload.PatternName,
                options.Daemon.Name,
                (part, commands) => progress(new JsonObject { ["progress"] = part, ["commands"] = commands }),
                cancellation).ConfigureAwait(false);
            JsonObject answer = ControlProtocol.Success();
            answer["result"] = JsonSerializer.SerializeToNode(result, WorkloadJson.Default.WorkloadResult);
            return answer;
        }
        catch (WorkloadException exception)
        {
            return ControlProtocol.Error(exception.Message);
        }
    }

    private async Task<JsonObject> InjectAsync(JsonObject request)
    {
        if (!InjectRequest.TryParse(request, out InjectRequest inject, out string problem))
        {
            return ControlProtocol.Error(problem);
        }

        return await worker.AskAsync(_ =>
        {
            foreach (Attachment attachment in engine.Attachments)
            {
                inject.Apply(attachment.Delays);
            }

            return ControlProtocol.Success();
        }).ConfigureAwait(false);
    }

    /// <summary>What 'pcieoe status' and the metrics show.</summary>
    public async Task<JsonObject> StatusAsync()
    {
        JsonObject status = ControlProtocol.Success();
        status["daemon"] = "pcieoe-host";
        status["name"] = options.Daemon.Name;
        status["process"] = StatusJson.OfProcess();
        status["worker"] = StatusJson.OfWorker(worker, options.Daemon.Polling.ToString().ToLowerInvariant());
        status["port"] = await worker.AskAsync(_ => StatusJson.OfPort(port)).ConfigureAwait(false);
        JsonArray attachments = await worker.AskAsync(_ => HostStatus.Attachments(engine)).ConfigureAwait(false);
        for (int i = 0; i < attachments.Count; i++)
        {
            attachments[i]!["hops"] = HostStatus.Hops(engine.Attachments[i].Hops);
        }

        status["attachments"] = attachments;
        if (engine.Gatekeeper is not null)
        {
            status["gatekeeper"] = await worker.AskAsync(_ => GatekeeperStatus.Of(engine.Gatekeeper)).ConfigureAwait(false);
        }

        status["nbd"] = HostStatus.NbdServers(nbdServers);
        return status;
    }
}
