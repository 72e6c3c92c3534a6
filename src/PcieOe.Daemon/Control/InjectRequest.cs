using System.Text.Json.Nodes;
using PcieOe.Protocol.Hops;
using PcieOe.Transport.Hops;

namespace PcieOe.Daemon.Control;

/// <summary>
/// The control command <c>inject</c>, for the lab: from now on sampled commands lose <c>ns</c> nanoseconds in the hop <c>hop</c>, and none in
/// any other; without <c>hop</c>, none at all.
/// </summary>
public readonly record struct InjectRequest(Hop? Hop, long Nanoseconds)
{
    /// <summary>A hop is busy for so long at the most: the worker does nothing else meanwhile.</summary>
    public const long MaximumNanoseconds = 1_000_000;

    public static bool TryParse(JsonObject request, out InjectRequest inject, out string problem)
    {
        inject = default;
        problem = string.Empty;
        if (request.Text("hop") is not { } name)
        {
            return true;
        }

        double nanoseconds = request.Number("ns", 0);
        if (!HopNames.TryParse(name, out Hop hop) || nanoseconds is not (>= 0 and <= MaximumNanoseconds))
        {
            problem = $"inject takes a hop ({string.Join(", ", HopNames.All)}) and 0 to {MaximumNanoseconds} ns.";
            return false;
        }

        inject = new InjectRequest(hop, (long)nanoseconds);
        return true;
    }

    public void Apply(HopDelays delays)
    {
        delays.Clear();
        if (Hop is { } hop)
        {
            delays.Set(hop, Nanoseconds);
        }
    }
}
