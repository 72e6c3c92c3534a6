using System.Text.Json.Nodes;
using PcieOe.Daemon.Control;
using PcieOe.FlashEndpoint.Timing;
using PcieOe.Target.Configuration;
using PcieOe.Target.Engine;

namespace PcieOe.Target.Control;

/// <summary>The control command "timing": changes what a function's flash takes, from the next command on, and shows it.</summary>
internal static class TimingCommand
{
    /// <param name="request">With "set", an object of values named as in the configuration; without, nothing is changed.</param>
    internal static JsonObject Run(PooledFunction function, JsonObject request) => Run(function.Name, function.Timing, request);

    internal static JsonObject Run(string name, FlashTiming? timing, JsonObject request)
    {
        if (timing is null)
        {
            return ControlProtocol.Error($"The flash of {name} takes no time: give it a profile in the target's configuration (functions[].timing.profile), and start anew.");
        }

        if (request["set"] is { } set)
        {
            if (set is not JsonObject values)
            {
                return ControlProtocol.Error("\"set\" is an object of values named as in the configuration's functions[].timing.");
            }

            if (!TimingSettings.TryChange(timing.Parameters, values, out FlashParameters changed, out string problem))
            {
                return ControlProtocol.Error(problem);
            }

            timing.Reconfigure(changed);
        }

        JsonObject answer = ControlProtocol.Success();
        answer["timing"] = TimingSettings.ToJson(timing.Parameters);
        return answer;
    }
}
