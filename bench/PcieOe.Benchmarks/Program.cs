using System.Globalization;
using System.Text.Json;
using PcieOe.Benchmarks;
using PcieOe.Benchmarks.Endpoint;

string? json = null;
for (int i = 0; i < args.Length; i++)
{
    if (args[i] == "--json" && i + 1 < args.Length)
    {
        json = args[++i];
    }
    else
    {
        Console.Error.WriteLine($"unknown option '{args[i]}'; usage: PcieOe.Benchmarks [--json FILE]");
        return 2;
    }
}

Console.WriteLine($"{"benchmark",-42} {"ns/op",10} {"fastest",10} {"bytes/op",10}");
var results = new List<Measurement>();
foreach (Measurement result in EndpointBenchmarks.Run())
{
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
