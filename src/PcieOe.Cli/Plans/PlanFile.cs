using System.Text.Json;
using PcieOe.Cli.Lab;
using PcieOe.FlashEndpoint.Timing;
using PcieOe.Host.Bench;

namespace PcieOe.Cli.Plans;

/// <summary>Plans as files: the one that comes with the program, and those that people edited.</summary>
internal static class PlanFile
{
    private const string DefaultResource = "PcieOe.Cli.Plans.default-plan.json";
    private const int SmallestMtu = 1280;
    private const int LargestMtu = 9216;
    private const int MostHosts = 32;

    /// <summary>The plan that comes with the program, with its comments.</summary>
    internal static string DefaultText
    {
        get
        {
            using Stream stream = typeof(PlanFile).Assembly.GetManifestResourceStream(DefaultResource)!;
            using StreamReader reader = new(stream);
            return reader.ReadToEnd();
        }
    }

    /// <summary>The plan in a file, or without one the plan that comes with the program.</summary>
    /// <exception cref="LabException">It is no plan; the message has all that is wrong with it.</exception>
    internal static Plan Load(FileInfo? file)
    {
        string name = file?.FullName ?? "the default plan";
        try
        {
            return Parse(file is null ? DefaultText : File.ReadAllText(file.FullName), name);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new LabException($"{name} cannot be read: {exception.Message}", exception);
        }
    }

    internal static Plan Parse(string text, string name)
    {
        Plan? plan;
        try
        {
            plan = JsonSerializer.Deserialize(text, PlanJson.Default.Plan);
        }
        catch (JsonException exception)
        {
            throw new LabException($"{name} is no plan: {exception.Message} 'pcieoe lab --print-plan' shows one, docs/plan-format.md has every key.", exception);
        }

        List<string> mistakes = plan is null ? ["it is empty"] : [.. Mistakes(plan)];
        return mistakes.Count == 0 ? plan! : throw new LabException($"{name} is no plan:\n  {string.Join("\n  ", mistakes)}");
    }

    private static IEnumerable<string> Mistakes(Plan plan)
    {
        if (plan.Schema != Plan.CurrentSchema)
        {
            yield return $"schema is '{plan.Schema}', where {Plan.CurrentSchema} belongs";
        }

        if (plan.Seconds is not (>= 0.1 and <= 3600))
        {
            yield return "seconds goes from 0.1 to 3600";
        }

        if (plan.WorkingSetBytes < 1 << 20)
        {
            yield return $"working_set is '{plan.WorkingSet}', where a size of 1MiB or more belongs";
        }

        if (plan.Paths.Count == 0)
        {
            yield return "paths is empty";
        }

        foreach (string? name in plan.Paths.GroupBy(path => path.Name).Where(twins => twins.Count() > 1).Select(twins => twins.Key))
        {
            yield return $"paths has more than one named '{name}'";
        }

        foreach (int count in plan.Hosts.Where(count => count is < 1 or > MostHosts))
        {
            yield return $"hosts has {count}: it goes from 1 to {MostHosts}";
        }

        foreach (string mistake in plan.Paths.SelectMany((path, index) => Mistakes(path, $"paths[{index}]")))
        {
            yield return mistake;
        }
    }

    private static IEnumerable<string> Mistakes(PlanPath path, string place)
    {
        if (path.Name is { } name && (name.Length == 0 || !name.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '-' or '.' or '_')))
        {
            yield return $"{place}.name is '{name}': letters, digits, '-', '.' and '_'";
        }

        if (path.MaximumTransmissionUnit is < SmallestMtu or > LargestMtu)
        {
            yield return $"{place}.mtu goes from {SmallestMtu} to {LargestMtu}";
        }

        if (path.Timing is { } timing && !FlashProfiles.Names.Contains(timing))
        {
            yield return $"{place}.timing is '{timing}', where one of these belongs: {string.Join(", ", FlashProfiles.Names)}";
        }

        if (path.MemoryBuffer is { } buffer && !BlockSize.TryParse(buffer, out _))
        {
            yield return $"{place}.memory_buffer is '{buffer}', where a size belongs";
        }

        foreach (string mistake in path.Workloads.SelectMany((workload, index) => Mistakes(workload, $"{place}.workloads[{index}]")))
        {
            yield return mistake;
        }
    }

    private static IEnumerable<string> Mistakes(PlanWorkload workload, string place)
    {
        foreach (string pattern in workload.Patterns.Where(pattern => !WorkloadOptions.TryParsePattern(pattern, out _)))
        {
            yield return $"{place}.rw has '{pattern}', where one of these belongs: {WorkloadOptions.PatternNames}";
        }

        foreach (string size in workload.BlockSizes.Where(size => !BlockSize.TryParse(size, out long bytes) || bytes is < 1 or > 1 << 30))
        {
            yield return $"{place}.bs has '{size}', where a size such as 4096, 4k or 1m belongs";
        }

        if (workload.QueueDepths.Any(depth => depth is < 1 or > 1023))
        {
            yield return $"{place}.qd goes from 1 to 1023";
        }

        if (workload.ReadPercents.Any(percent => percent is < 0 or > 100))
        {
            yield return $"{place}.read_percent goes from 0 to 100";
        }

        if (workload.Rates.Any(rate => rate is not (> 0 and <= 1e8)) || workload.LoadPercents.Any(percent => percent is not (> 0 and <= 1000)))
        {
            yield return $"{place}: rate goes up to 100000000, load_percent to 1000, both from above 0";
        }

        if (workload.Rates.Count > 0 && workload.LoadPercents.Count > 0)
        {
            yield return $"{place} has both rate and load_percent";
        }

        if (workload.Patterns.Any(IsSingleTlps) && (workload.QueueDepths.Any(depth => depth != 1) || workload.Rates.Count + workload.LoadPercents.Count > 0))
        {
            yield return $"{place}: single TLPs go one at a time, so they have neither qd above 1 nor rate nor load_percent";
        }

        if (workload.Arrivals is not ("poisson" or "fixed"))
        {
            yield return $"{place}.arrivals is '{workload.Arrivals}', where poisson or fixed belongs";
        }

        if (workload.Seconds is not (null or (>= 0.1 and <= 3600)))
        {
            yield return $"{place}.seconds goes from 0.1 to 3600";
        }
    }

    private static bool IsSingleTlps(string pattern) => WorkloadOptions.TryParsePattern(pattern, out WorkloadPattern parsed) && WorkloadOptions.AreSingleTlps(parsed);
}
