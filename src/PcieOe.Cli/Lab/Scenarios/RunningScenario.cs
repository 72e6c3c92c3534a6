using System.Text.Json.Nodes;
using PcieOe.Cli.Lab.Daemons;
using PcieOe.Cli.Plans;
using PcieOe.Cli.Reports;
using PcieOe.Daemon.Control;
using PcieOe.Host.Bench;

namespace PcieOe.Cli.Lab.Scenarios;

/// <summary>Daemons that somebody else started: where they listen.</summary>
/// <param name="TargetSocket">Null: the target is on another box.</param>
/// <param name="Attachment">Null: the host agent's first.</param>
internal sealed record RunningDaemons(string HostSocket, string? TargetSocket, string? Attachment);

/// <summary>Characterises the path between running daemons by the first path of a plan.</summary>
internal static class RunningScenario
{
    internal static async Task<RunReport> RunAsync(RunningDaemons daemons, Plan plan, double? seconds, ILabProgress progress, CancellationToken cancellation)
    {
        DateTimeOffset started = DateTimeOffset.Now;
        PathDescription path = Describe(await StatusAsync(daemons.HostSocket, cancellation).ConfigureAwait(false), daemons.Attachment);
        LabOptions options = new() { Plan = plan, Seconds = seconds };
        async Task<WorkloadResult> BenchAsync(BenchRequest request, string name)
        {
            JsonObject order = (request with { Attachment = daemons.Attachment }).ToJson(name);
            return BenchRequest.ResultOf(await AskAsync(daemons.HostSocket, order, line => progress.Report(line.Number("progress", 0)), cancellation).ConfigureAwait(false));
        }

        progress.Begin("working set");
        await BenchAsync(CharacterizePlan.Fill(options), "fill").ConfigureAwait(false);
        await BenchAsync(CharacterizePlan.WarmUp(options, "randread", 32), "warm-up").ConfigureAwait(false);
        progress.End("written");
        List<WorkloadResult> results = [];
        WorkloadSequence sequence = new(BenchAsync, progress);
        await sequence.RunAsync(new PathOptions(), PlannedWorkload.Of(plan, plan.Paths[0], seconds), results).ConfigureAwait(false);
        JsonObject status = new() { ["host"] = await StatusAsync(daemons.HostSocket, cancellation).ConfigureAwait(false) };
        if (daemons.TargetSocket is { } target)
        {
            status["target"] = await StatusAsync(target, cancellation).ConfigureAwait(false);
        }

        return new RunReport
        {
            Started = started,
            Machine = MachineDescription.OfThisMachine(),
            Path = path,
            Workloads = results,
            Status = status,
            Notes = plan.Paths.Count == 1 && plan.Hosts.Count == 0
                ? sequence.Notes
                : [.. sequence.Notes, "Of the plan only the first path was run: others need daemons set up for them, as 'pcieoe lab' does."],
        };
    }

    /// <summary>What a host agent's status says of the path of one attachment; of its first if none is named.</summary>
    internal static PathDescription Describe(JsonObject status, string? attachmentName)
    {
        JsonObject? attachment = (status["attachments"] as JsonArray)?.OfType<JsonObject>().FirstOrDefault(entry => attachmentName is null || entry.Text("name") == attachmentName);
        return attachment is null
            ? throw new LabException(attachmentName is null ? "What listens there is no host agent: it is the host agent that is asked, not the target." : $"The host agent has no attachment '{attachmentName}'.")
            : new PathDescription
            {
                Topology = $"{status["port"]?["name"]} to {attachment.Text("target")}",
                MaximumTransmissionUnit = (int)attachment.Number("mtu", 0),
                IsKeyed = attachment.Flag("keyed", false),
            };
    }

    private static Task<JsonObject> StatusAsync(string socket, CancellationToken cancellation) => AskAsync(socket, new JsonObject { ["command"] = "status" }, null, cancellation);

    private static async Task<JsonObject> AskAsync(string socket, JsonObject request, Action<JsonObject>? onProgress, CancellationToken cancellation)
    {
        JsonObject answer = await ControlClient.AskAsync(socket, request, onProgress, cancellation).ConfigureAwait(false);
        return answer.Flag("ok", false) ? answer : throw new LabException(answer.Text("error") ?? "The daemon gave no answer.");
    }
}
