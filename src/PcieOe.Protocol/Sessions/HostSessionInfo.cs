using System.Text;
using PcieOe.Protocol.Handshake;

namespace PcieOe.Protocol.Sessions;

/// <summary>What the target said of itself and the session.</summary>
public readonly record struct HostSessionInfo
{
    public required string TargetName { get; init; }

    public required string FunctionName { get; init; }

    public required int MaximumTransmissionUnit { get; init; }

    /// <summary>For how long the target keeps the function for a host that is silent.</summary>
    public required int LeaseMilliseconds { get; init; }

    /// <summary>Bits that both sides have.</summary>
    public required uint Capabilities { get; init; }

    internal static HostSessionInfo From(in Accept accept) => new()
    {
        TargetName = Encoding.UTF8.GetString(accept.TargetName),
        FunctionName = Encoding.UTF8.GetString(accept.FunctionName),
        MaximumTransmissionUnit = accept.MaximumTransmissionUnit,
        LeaseMilliseconds = accept.LeaseMilliseconds,
        Capabilities = accept.Capabilities,
    };
}
