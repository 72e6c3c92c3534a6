using System.Text.Json.Serialization;
using PcieOe.Cli.Reports;
using PcieOe.Transport.Histograms;

namespace PcieOe.Cli.LinkBench;

/// <summary>What <c>pcieoe bench-link</c> saves (docs/performance.md). Gigabits are decimal and count Ethernet payload, unless they say TLPs.</summary>
internal sealed record LinkBenchReport
{
    [JsonPropertyName("machine")]
    public MachineDescription Machine { get; init; } = MachineDescription.OfThisMachine();

    [JsonPropertyName("mtu")]
    public int MaximumTransmissionUnit { get; init; }

    /// <summary>Measurements of each kind; each figure is the median of theirs.</summary>
    [JsonPropertyName("rounds")]
    public int Rounds { get; init; }

    [JsonPropertyName("floor")]
    public FloorResult Floor { get; init; } = new();

    [JsonPropertyName("link")]
    public LinkFigures Link { get; init; } = new();

    [JsonPropertyName("keyed")]
    public LinkFigures Keyed { get; init; } = new();

    [JsonPropertyName("sessions_32")]
    public LinkFigures Sessions32 { get; init; } = new();
}

/// <summary>What the link does, with what the raw port does beside it.</summary>
internal sealed record LinkFigures
{
    [JsonPropertyName("rtt_64_us")]
    public LatencySummary? RoundTrip { get; init; }

    /// <summary>Median round trip, in those of the raw port.</summary>
    [JsonPropertyName("rtt_ratio")]
    public double? RoundTripRatio { get; init; }

    [JsonPropertyName("payload_gbps")]
    public double PayloadGigabitsPerSecond { get; init; }

    /// <summary>TLPs alone, without frame headers and checks.</summary>
    [JsonPropertyName("tlp_gbps")]
    public double TlpGigabitsPerSecond { get; init; }

    /// <summary>Payload, as a part of the raw flood's; for several sessions, of the one session's.</summary>
    [JsonPropertyName("payload_ratio")]
    public double PayloadRatio { get; init; }

    [JsonPropertyName("retransmitted_frames")]
    public long RetransmittedFrames { get; init; }

    /// <summary>What both measuring threads allocated in all measurements after the first.</summary>
    [JsonPropertyName("allocated_bytes")]
    public long AllocatedBytes { get; init; }
}

[JsonSourceGenerationOptions(WriteIndented = true, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(LinkBenchReport))]
internal sealed partial class LinkBenchJson : JsonSerializerContext;
