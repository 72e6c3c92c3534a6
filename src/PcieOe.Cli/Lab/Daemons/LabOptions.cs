using System.Text.Json.Nodes;
using PcieOe.Cli.Plans;

namespace PcieOe.Cli.Lab.Daemons;

/// <summary>What <c>pcieoe lab</c> was asked for.</summary>
internal sealed record LabOptions
{
    /// <summary>What is characterised.</summary>
    public required Plan Plan { get; init; }

    /// <summary>How long each workload is measured, whatever the plan says; null: as it says.</summary>
    public double? Seconds { get; init; }

    public double SecondsPerWorkload => Seconds ?? Plan.Seconds;

    /// <summary>The working set of every workload.</summary>
    public long WorkingSetBytes => Plan.WorkingSetBytes;

    public int Hosts { get; init; } = 4;

    /// <summary>Both daemons in this process, without a network.</summary>
    public bool InMemory { get; init; }

    /// <summary>Length of the outage in that scenario.</summary>
    public double OutageSeconds { get; init; } = 10;

    /// <summary>With a core for each of the two workers they spin; with fewer they would only take it from one another.</summary>
    public static string Polling => Environment.ProcessorCount >= 2 ? "busy" : "adaptive";
}

/// <summary>How one pair of daemons is set up.</summary>
internal sealed record PathOptions
{
    public static PathOptions Clear { get; } = new();

    public static PathOptions Keyed { get; } = new() { IsKeyed = true, Variant = "keyed" };

    public bool IsKeyed { get; init; }

    public int MaximumTransmissionUnit { get; init; } = 9000;

    /// <summary>How the path differs from the plain one; null where it does not.</summary>
    public string? Variant { get; init; }

    /// <summary>What the names of workloads on this path end in.</summary>
    public string Suffix => Variant is null ? string.Empty : $"-{Variant}";

    /// <summary>The file that the flash is kept in; null: in memory.</summary>
    public string? MediaFile { get; init; }

    /// <summary>Profile of the flash timing model; null: none.</summary>
    public string? Timing { get; init; }

    /// <summary>Size of the controller's memory buffer; null: the daemon's default.</summary>
    public string? MemoryBuffer { get; init; }

    public long MediumBytes { get; init; } = 512L << 20;

    /// <summary>How the workers wait for work.</summary>
    public string Polling { get; init; } = LabOptions.Polling;

    /// <summary>Sections that the target's configuration has besides.</summary>
    public JsonObject TargetSections { get; init; } = [];

    /// <summary>Sections that the host agent's configuration has besides.</summary>
    public JsonObject HostSections { get; init; } = [];
}
