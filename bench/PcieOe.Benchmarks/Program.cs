using System.Globalization;
using System.Text.Json;
using PcieOe.Benchmarks;
using PcieOe.Benchmarks.Endpoint;
using PcieOe.Benchmarks.Link;
using PcieOe.Benchmarks.Policies;

string? json = null;
string only = string.Empty;
for (int i = 0; i < args.Length; i++)
{
    if (args[i] == "--json" && i + 1 < args.Length)
    {
        json = args[++i];
    }
    else if (args[i] == "--only" && i + 1 < args.Length)
    {
        only = args[++i];
    }
    else
    {
        Console.Error.WriteLine($"unknown option '{args[i]}'; usage: PcieOe.Benchmarks [--only PART-OF-NAME] [--json FILE]");
        return 2;
    }
}

Console.WriteLine($"{"benchmark",-42} {"ns/op",10} {"fastest",10} {"bytes/op",10}");
var results = new List<Measurement>();
IEnumerable<Benchmark> benchmarks = [.. EndpointBenchmarks.All(), .. Crc32CBenchmarks.All(), .. LinkBenchmarks.All(), .. EgressBenchmarks.All(), .. NestedQosBenchmarks.All()];
foreach (Benchmark benchmark in benchmarks.Where(benchmark => benchmark.Name.Contains(only, StringComparison.Ordinal)))
{
    Measurement result = benchmark.Measure();
    results.Add(result);
    Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
        $"{result.Name,-42} {result.NanosecondsPerOperation,10:F1} {result.FastestNanosecondsPerOperation,10:F1} {result.AllocatedBytesPerOperation,10:F2}"));
}

if (json is not null)
{
    var options = new JsonSerializerOptions { PropertyNamingPolicy = JsonNamingPolicy.CamelCase, WriteIndented = true };
    File.WriteAllText(json, JsonSerializer.Serialize(new { processors = Environment.ProcessorCount, results }, options) + "\n");
}

return 0;
