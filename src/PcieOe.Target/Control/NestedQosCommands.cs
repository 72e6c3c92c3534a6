using System.Text.Json.Nodes;
using PcieOe.Daemon.Control;
using PcieOe.Daemon.Workers;
using PcieOe.Target.Engine;
using PcieOe.Target.Policies;
using PcieOe.Transport.Policies.NestedQos;

namespace PcieOe.Target.Control;

/// <summary>
/// The target's control commands for classes: "class-set" changes one ("tenant", "class", and of "burst", "rate",
/// "response_ms" those that change), "qos-reset" lets their counts begin anew.
/// </summary>
internal static class NestedQosCommands
{
    private const string NoSection = "This target has no classes: give its configuration a section 'nestedQos' (docs/policies.md).";

    internal static Task<JsonObject> SetAsync(JsonObject request, PollWorker worker, TargetEngine engine) => WithPolicyAsync(worker, engine, (policy, now) =>
    {
        NestedQosScheduler scheduler = policy.Scheduler;
        string name = request.Text("tenant") ?? string.Empty;
        string[] tenants = [.. scheduler.Options.Tenants.Select(member => member.Name)];
        int tenant = Array.IndexOf(tenants, name);
        if (tenant < 0)
        {
            return ControlProtocol.Error($"No tenant '{name}' has classes here. Tenants: {string.Join(", ", tenants)}.");
        }

        string className = request.Text("class") ?? string.Empty;
        string[] classes = [.. scheduler.OptionsOf(tenant).Classes.Select(member => member.Name)];
        int index = Array.IndexOf(classes, className);
        if (index < 0)
        {
            return ControlProtocol.Error($"Tenant '{name}' has no class '{className}'. Classes: {string.Join(", ", classes)}.");
        }

        NestedQosClassOptions present = scheduler.OptionsOf(tenant).Classes[index];
        IReadOnlyList<NestedQosMistake> mistakes = scheduler.SetClass(tenant, index, present with
        {
            BurstUnits = request.Number("burst", present.BurstUnits),
            UnitsPerSecond = request.Number("rate", present.UnitsPerSecond),
            ResponseMilliseconds = request.Number("response_ms", present.ResponseMilliseconds),
        }, now);
        return mistakes.Count == 0 ? ControlProtocol.Success() : ControlProtocol.Error(string.Join(' ', mistakes));
    });

    /// <summary>A tenant at a time, since the worker waits meanwhile.</summary>
    internal static async Task<JsonObject> ResetAsync(PollWorker worker, TargetEngine engine)
    {
        JsonObject answer = ControlProtocol.Error(NoSection);
        for (int tenant = 0; tenant < engine.Policy?.Scheduler.TenantCount; tenant++)
        {
            int index = tenant;
            answer = await WithPolicyAsync(worker, engine, (policy, _) =>
            {
                foreach (NestedQosClassStatistics statistics in policy.Scheduler.StatisticsOf(index))
                {
                    statistics.Clear();
                }

                return ControlProtocol.Success();
            }).ConfigureAwait(false);
        }

        return answer;
    }

    private static Task<JsonObject> WithPolicyAsync(PollWorker worker, TargetEngine engine, Func<NestedQosPolicy, long, JsonObject> action) =>
        worker.AskAsync(now => engine.Policy is { } policy ? action(policy, now) : ControlProtocol.Error(NoSection));
}
