using PcieOe.Protocol.Hops;
using PcieOe.Transport.Hops;
using PcieOe.Transport.Polling;

namespace PcieOe.Target.Hops;

/// <summary>What the recorders of one worker's functions share.</summary>
/// <param name="every">One command in so many is stamped; 0: those that hosts ask for alone.</param>
/// <param name="tenantOfHost">The tenant that a host's traffic counts for, where it is not the host itself.</param>
internal sealed class TargetHops(int every, IReadOnlyDictionary<string, string> tenantOfHost) : IDisposable
{
    public LabelledHops Totals { get; } = new(Hop.TargetReceive, Hop.TargetTransmit);

    /// <summary>Of the frame that the worker hands over.</summary>
    public FrameArrivals Arrivals { get; } = new(Clock, () => MonotonicClock.RealtimeNanoseconds);

    public HopDelays Delays { get; } = new(Clock);

    public HopRecorder CreateRecorder() => new(Clock, Delays, Totals, every, Arrivals);

    public string TenantOf(string hostName) => tenantOfHost.GetValueOrDefault(hostName, hostName);

    public void Dispose() => Totals.Dispose();

    private static long Clock() => MonotonicClock.Nanoseconds;
}
