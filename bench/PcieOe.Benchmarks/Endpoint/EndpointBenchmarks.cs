using PcieOe.FlashEndpoint.Controller;
using PcieOe.FlashEndpoint.Media.Memory;
using PcieOe.FlashEndpoint.Pcie;
using PcieOe.FlashEndpoint.Tests.Harness;
using PcieOe.FlashEndpoint.Timing;

namespace PcieOe.Benchmarks.Endpoint;

/// <summary>The NVMe controller with memory as its medium, no flash timing and a host that costs nothing: submission to completion.</summary>
internal static class EndpointBenchmarks
{
    public static IEnumerable<Benchmark> All()
    {
        yield return Make("endpoint/read-4k-cmb-depth-1", 1, inMemoryBuffer: true, (host, i) => host.RunReads(1, (uint)i));
        yield return Make("endpoint/read-4k-cmb-depth-32", 32, inMemoryBuffer: true, (host, i) => host.RunReads(32, (uint)i * 32));
        yield return Make("endpoint/read-4k-fetched-depth-1", 1, inMemoryBuffer: false, (host, i) => host.RunReads(1, (uint)i));
        yield return Make("endpoint/read-4k-fetched-depth-32", 32, inMemoryBuffer: false, (host, i) => host.RunReads(32, (uint)i * 32));
        yield return Make("endpoint/write-4k-cmb-data-depth-1", 1, inMemoryBuffer: true, (host, i) => host.RunWrites(1, (uint)i, dataInMemoryBuffer: true));
        yield return Make("endpoint/write-4k-fetched-data-depth-1", 1, inMemoryBuffer: true, (host, i) => host.RunWrites(1, (uint)i, dataInMemoryBuffer: false));
    }

    private static Benchmark Make(string name, int depth, bool inMemoryBuffer, Action<QuietHost, int> body) =>
        new(name, () => Measure(name, depth, inMemoryBuffer, body));

    private static Measurement Measure(string name, int depth, bool inMemoryBuffer, Action<QuietHost, int> body)
    {
        var options = new NvmeOptions { SerialNumber = "BENCH", MemoryBufferBytes = 1 << 20 };
        using var function = new NvmeFunction(options, new MemoryMedium(64 << 20), NoFlashTiming.Instance);
        var host = new QuietHost();
        host.Start(function, inMemoryBuffer);

        // The medium's blocks have been written once, as those of a drive in use.
        for (uint lba = 0; lba < 2048; lba++)
        {
            host.RunWrites(1, lba, dataInMemoryBuffer: false);
        }

        return Measurement.Take(name, depth, i => body(host, i));
    }
}
