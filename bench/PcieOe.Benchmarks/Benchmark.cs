namespace PcieOe.Benchmarks;

/// <summary>Something to measure, by name.</summary>
internal sealed record Benchmark(string Name, Func<Measurement> Measure);
