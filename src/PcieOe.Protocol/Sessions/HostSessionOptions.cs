using PcieOe.Protocol.Ethernet;
using PcieOe.Protocol.Handshake;
using PcieOe.Protocol.Keys;
using PcieOe.Protocol.Link;

namespace PcieOe.Protocol.Sessions;

/// <summary>Which function a host wants, from whom, and as whom.</summary>
public sealed record HostSessionOptions
{
    public required string HostName { get; init; }

    /// <summary>The key for this host's name. Null: an explicitly insecure session, which only an insecure target gives.</summary>
    public required HostCredential? Credential { get; init; }

    /// <summary>Empty: whoever has <see cref="TargetAddress"/>.</summary>
    public string TargetName { get; init; } = string.Empty;

    /// <summary>Where to ask. The group address finds a target by its name.</summary>
    public MacAddress TargetAddress { get; init; } = HandshakeAddresses.Targets;

    /// <summary>Empty: any function that the target has for this host.</summary>
    public string FunctionName { get; init; } = string.Empty;

    /// <summary>Which of the host's sessions this is: the low bits of the session id in the frames it receives.</summary>
    public int Index { get; init; }

    /// <summary>Bits of what this host can do beyond the first version of the protocol.</summary>
    public uint Capabilities { get; init; }

    /// <summary>The time between the first hello and the second; it doubles up to <see cref="MaximumHelloIntervalMilliseconds"/>.</summary>
    public int HelloIntervalMilliseconds { get; init; } = 20;

    public int MaximumHelloIntervalMilliseconds { get; init; } = 1000;

    /// <summary>How often the clocks are compared, after a quick start.</summary>
    public int ClockExchangeMilliseconds { get; init; } = 200;

    /// <summary>How long an orderly close waits for what is still under way.</summary>
    public int CloseDrainMilliseconds { get; init; } = 1000;

    /// <summary>How the link behaves; the MTU is the most that this host takes.</summary>
    public LinkOptions Link { get; init; } = new();

    /// <summary>All mistakes, as sentences; empty if there are none.</summary>
    public IReadOnlyList<string> Validate()
    {
        var mistakes = new List<string>(Link.Validate());
        if (HostName.Length == 0)
        {
            mistakes.Add($"{nameof(HostName)} is missing.");
        }

        CheckName(nameof(HostName), HostName);
        CheckName(nameof(TargetName), TargetName);
        CheckName(nameof(FunctionName), FunctionName);
        if (Credential is not null && Credential.HostName != HostName)
        {
            mistakes.Add($"The key belongs to {Credential.HostName}, not to {HostName}.");
        }

        if (TargetAddress.IsMulticast && TargetName.Length == 0)
        {
            mistakes.Add($"{nameof(TargetName)} is missing: without it {nameof(TargetAddress)} must be that of one target.");
        }

        Check(nameof(Index), Index, 0, SessionId.MaximumSessions - 1);
        Check(nameof(HelloIntervalMilliseconds), HelloIntervalMilliseconds, 1, 10_000);
        Check(nameof(MaximumHelloIntervalMilliseconds), MaximumHelloIntervalMilliseconds, HelloIntervalMilliseconds, 60_000);
        Check(nameof(ClockExchangeMilliseconds), ClockExchangeMilliseconds, 1, 60_000);
        Check(nameof(CloseDrainMilliseconds), CloseDrainMilliseconds, 0, 60_000);
        return mistakes;

        void CheckName(string name, string value)
        {
            if (!NameField.IsValid(value))
            {
                mistakes.Add($"{name} must be at most {NameField.MaximumNameBytes} bytes of UTF-8 without control characters.");
            }
        }

        void Check(string name, int value, int least, int most)
        {
            if (value < least || value > most)
            {
                mistakes.Add($"{name} is {value}; it must be from {least} to {most}.");
            }
        }
    }
}
