using System.Numerics;
using PcieOe.Protocol.Handshake;
using PcieOe.Protocol.Keys;
using PcieOe.Protocol.Link;

namespace PcieOe.Protocol.Sessions;

/// <summary>How a target takes sessions.</summary>
public sealed record TargetSessionsOptions
{
    /// <summary>By which hosts ask for this target: 1 to 63 bytes of UTF-8.</summary>
    public required string TargetName { get; init; }

    /// <summary>The hosts that belong. Null: no keys at all, and everybody is let in (an explicitly insecure target).</summary>
    public required IReadOnlyCollection<HostCredential>? Hosts { get; init; }

    /// <summary>The most sessions at one time.</summary>
    public int MaximumSessions { get; init; } = 256;

    /// <summary>For how long the function of a silent host is kept for it.</summary>
    public int LeaseMilliseconds { get; init; } = 300_000;

    /// <summary>For how long a session waits for its host's first protected frame.</summary>
    public int ConfirmationMilliseconds { get; init; } = 10_000;

    /// <summary>Bits of what this target can do beyond the first version of the protocol; a session has those that its host has too.</summary>
    public uint Capabilities { get; init; }

    /// <summary>How often keys change; a power of two from 2^6 to 2^32.</summary>
    public ulong RekeyIntervalFrames { get; init; } = FrameCipher.DefaultRekeyIntervalFrames;

    /// <summary>How links behave; the MTU is the most that this target takes.</summary>
    public LinkOptions Link { get; init; } = new();

    /// <summary>All mistakes, as sentences; empty if there are none.</summary>
    public IReadOnlyList<string> Validate()
    {
        var mistakes = new List<string>(Link.Validate());
        if (TargetName.Length == 0 || !NameField.IsValid(TargetName))
        {
            mistakes.Add($"{nameof(TargetName)} must be 1 to {NameField.MaximumNameBytes} bytes of UTF-8 without control characters.");
        }

        foreach (HostCredential host in Hosts ?? [])
        {
            if (!NameField.IsValid(host.HostName))
            {
                mistakes.Add($"A host's name must be 1 to {NameField.MaximumNameBytes} bytes of UTF-8 without control characters.");
            }
        }

        foreach (IGrouping<string, HostCredential> group in (Hosts ?? []).GroupBy(host => host.HostName).Where(group => group.Count() > 1))
        {
            mistakes.Add($"The host {group.Key} has {group.Count()} keys; it must have one.");
        }

        if (MaximumSessions is < 1 or > SessionId.MaximumSessions - TargetSessions.SpareEntries)
        {
            mistakes.Add($"{nameof(MaximumSessions)} is {MaximumSessions}; it must be from 1 to {SessionId.MaximumSessions - TargetSessions.SpareEntries}.");
        }

        if (LeaseMilliseconds < 1000)
        {
            mistakes.Add($"{nameof(LeaseMilliseconds)} is {LeaseMilliseconds}; it must be at least 1000.");
        }

        if (ConfirmationMilliseconds is < 10 or > 60_000)
        {
            mistakes.Add($"{nameof(ConfirmationMilliseconds)} is {ConfirmationMilliseconds}; it must be from 10 to 60000.");
        }

        if (!BitOperations.IsPow2(RekeyIntervalFrames) || RekeyIntervalFrames is < 1 << 6 or > 1ul << 32)
        {
            mistakes.Add($"{nameof(RekeyIntervalFrames)} is {RekeyIntervalFrames}; it must be a power of two from 2^6 to 2^32.");
        }

        return mistakes;
    }
}
