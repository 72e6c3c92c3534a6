using System.Diagnostics;

namespace PcieOe.Benchmarks;

/// <summary>What one benchmark gave. JSON keys are these names in camelCase.</summary>
/// <param name="NanosecondsPerOperation">The median of the batches.</param>
/// <param name="FastestNanosecondsPerOperation">The fastest batch: the least disturbed.</param>
/// <param name="AllocatedBytesPerOperation">On the measuring thread.</param>
internal sealed record Measurement(
    string Name,
    double NanosecondsPerOperation,
    double FastestNanosecondsPerOperation,
    double AllocatedBytesPerOperation,
    long Operations)
{
    /// <summary>Many short batches, so that most of them are spared by whatever else runs on the machine.</summary>
    private const int Batches = 10_000;

    private static readonly TimeSpan Budget = TimeSpan.FromSeconds(1.5);

    /// <summary>Runs <paramref name="body"/>, which does so many operations a call, until it is warm, then in batches.</summary>
    public static Measurement Take(string name, int operationsPerCall, Action<int> body)
    {
        long start = Stopwatch.GetTimestamp();
        int calls = 0;
        while (Stopwatch.GetElapsedTime(start) < Budget)
        {
            body(calls++);
        }

        int callsPerBatch = Math.Max(1, calls / Batches);
        double[] batches = new double[Batches];
        long allocated = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < Batches; i++)
        {
            start = Stopwatch.GetTimestamp();
            for (int call = 0; call < callsPerBatch; call++)
            {
                body(call);
            }

            batches[i] = Stopwatch.GetElapsedTime(start).TotalNanoseconds / callsPerBatch / operationsPerCall;
        }

        allocated = GC.GetAllocatedBytesForCurrentThread() - allocated;
        long operations = (long)callsPerBatch * operationsPerCall * Batches;
        Array.Sort(batches);
        return new Measurement(name, Math.Round(batches[Batches / 2], 1), Math.Round(batches[0], 1), (double)allocated / operations, operations);
    }
}
