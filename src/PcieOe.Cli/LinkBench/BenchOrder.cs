using System.Text.Json.Serialization;
using PcieOe.Transport.Histograms;

namespace PcieOe.Cli.LinkBench;

/// <summary>What two workers do with one another.</summary>
internal enum BenchScenario
{
    /// <summary>Raw frames, one there and one back.</summary>
    FloorRoundTrip,

    /// <summary>Raw full frames, as many as go.</summary>
    FloorFlood,

    /// <summary>A TLP of 64 bytes there and back through two link engines.</summary>
    LinkRoundTrip,

    /// <summary>TLPs through link engines, as many as go.</summary>
    LinkFlood,
}

/// <summary>One measurement, as a worker is told to make it. Orders and outcomes pass between processes as JSON, one a line.</summary>
internal sealed record BenchOrder
{
    public required BenchScenario Scenario { get; init; }

    /// <summary>The one that asks or sends; the other answers or receives.</summary>
    public bool IsInitiator { get; init; }

    public string PeerAddress { get; init; } = string.Empty;

    /// <summary>Different for each measurement, so that stragglers of the one before are told apart.</summary>
    public int Number { get; init; }

    public int Milliseconds { get; init; }

    /// <summary>Ethernet payload of the frame there.</summary>
    public int RequestBytes { get; init; }

    /// <summary>Ethernet payload of the frame back.</summary>
    public int ReplyBytes { get; init; }

    public int Sessions { get; init; } = 1;

    public bool IsKeyed { get; init; }
}

/// <summary>What a worker has seen.</summary>
internal sealed record BenchOutcome
{
    public LatencySummary? RoundTrip { get; init; }

    public long Frames { get; init; }

    /// <summary>Ethernet payload of the frames that counted: all of a flood, those delivered in order by a link.</summary>
    public long EthernetPayloadBytes { get; init; }

    /// <summary>TLPs, their headers included.</summary>
    public long TlpBytes { get; init; }

    /// <summary>From the first frame counted to the last.</summary>
    public long Nanoseconds { get; init; }

    /// <summary>Frames without an answer, or sent again.</summary>
    public long Losses { get; init; }

    /// <summary>Bytes that the measuring thread allocated while it measured.</summary>
    public long AllocatedBytes { get; init; }

    /// <summary>What went wrong; null if nothing did.</summary>
    public string? Error { get; init; }

    public double GigabitsPerSecond => Nanoseconds == 0 ? 0 : EthernetPayloadBytes * 8.0 / Nanoseconds;

    public double TlpGigabitsPerSecond => Nanoseconds == 0 ? 0 : TlpBytes * 8.0 / Nanoseconds;
}

/// <summary>A worker's first line: the address of its port.</summary>
internal sealed record BenchGreeting(string Address);

[JsonSourceGenerationOptions(IgnoreReadOnlyProperties = true, UseStringEnumConverter = true)]
[JsonSerializable(typeof(BenchOrder))]
[JsonSerializable(typeof(BenchOutcome))]
[JsonSerializable(typeof(BenchGreeting))]
internal sealed partial class BenchJson : JsonSerializerContext;
