namespace PcieOe.Transport.Policies.Gatekeeper;

/// <summary>What a tenant has and what it got, at one moment. Rates are averages over a few intervals.</summary>
public sealed record TenantBandwidth
{
    public required string Name { get; init; }

    /// <summary>Sessions of the tenant at this port.</summary>
    public required int Sessions { get; init; }

    public required DirectionBandwidth Egress { get; init; }

    public required DirectionBandwidth Ingress { get; init; }

    public required long FeedbackSent { get; init; }

    public required long FeedbackReceived { get; init; }
}

/// <param name="AchievedMegabitsPerSecond">0 once the port has been idle.</param>
/// <param name="HeldToMegabitsPerSecond">Egress: what receivers permit; ingress: what was allotted. Null: nothing holds the tenant.</param>
/// <param name="Bytes">On the wire, since the daemon's start.</param>
public readonly record struct DirectionBandwidth(BandwidthLimits Limits, double AchievedMegabitsPerSecond, double? HeldToMegabitsPerSecond, long Bytes);
