using System.Runtime.InteropServices;
using System.Text.Json.Serialization;

namespace PcieOe.Cli.Reports;

/// <summary>The machine that a report's figures are from.</summary>
internal sealed record MachineDescription
{
    [JsonPropertyName("processor")]
    public string Processor { get; init; } = string.Empty;

    [JsonPropertyName("cores")]
    public int Cores { get; init; }

    [JsonPropertyName("memory_gib")]
    public double MemoryGibibytes { get; init; }

    [JsonPropertyName("kernel")]
    public string Kernel { get; init; } = string.Empty;

    [JsonPropertyName("runtime")]
    public string Runtime { get; init; } = string.Empty;

    public static MachineDescription OfThisMachine() => new()
    {
        Processor = FieldOf("/proc/cpuinfo", "model name") ?? RuntimeInformation.ProcessArchitecture.ToString(),
        Cores = Environment.ProcessorCount,
        MemoryGibibytes = Math.Round(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / (double)(1L << 30), 1),
        Kernel = File.Exists("/proc/sys/kernel/osrelease") ? File.ReadAllText("/proc/sys/kernel/osrelease").Trim() : RuntimeInformation.OSDescription,
        Runtime = RuntimeInformation.FrameworkDescription,
    };

    private static string? FieldOf(string file, string name)
    {
        if (!File.Exists(file))
        {
            return null;
        }

        string? line = File.ReadLines(file).FirstOrDefault(line => line.StartsWith(name, StringComparison.Ordinal));
        return line?[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim();
    }
}
