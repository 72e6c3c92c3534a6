using System.Globalization;
using System.Text;

namespace PcieOe.Cli.Lab.Scenarios;

/// <summary>Seeded traces of arrivals for the scenario "nested-qos".</summary>
internal static class QosTraces
{
    private const int BlockBytes = 4096;

    /// <summary>4 KiB commands at gaps that differ by a fifth.</summary>
    internal static string Smooth(double seconds, double ratePerSecond, long mediumBytes, int seed)
    {
        Random random = new(seed);
        StringBuilder csv = Begin();
        for (double time = 0; time < seconds; time += (0.8 + 0.4 * random.NextDouble()) / ratePerSecond)
        {
            Add(csv, time, BlockBytes, mediumBytes, random);
        }

        return csv.ToString();
    }

    /// <summary>
    /// A steady trickle (a Poisson process), and every 60 to 100 ms a burst of 200 to 450 units, 20 us apart, one command in eight of 16 KiB.
    /// </summary>
    internal static string Bursty(double seconds, double ratePerSecond, long mediumBytes, int seed)
    {
        Random random = new(seed);
        StringBuilder csv = Begin();
        for (double time = Gap(random, ratePerSecond); time < seconds; time += Gap(random, ratePerSecond))
        {
            Add(csv, time, BlockBytes, mediumBytes, random);
        }

        for (double start = 0.05; start < seconds; start += 0.06 + 0.04 * random.NextDouble())
        {
            double time = start;
            for (int units = random.Next(200, 450); units > 0; time += 20e-6)
            {
                int size = random.Next(8) == 0 ? 4 : 1;
                Add(csv, time, size * BlockBytes, mediumBytes, random);
                units -= size;
            }
        }

        return csv.ToString();
    }

    private static StringBuilder Begin() => new("seconds,operation,offset,bytes\n");

    private static double Gap(Random random, double ratePerSecond) => -Math.Log(1 - random.NextDouble()) / ratePerSecond;

    private static void Add(StringBuilder csv, double time, int bytes, long mediumBytes, Random random)
    {
        long offset = random.NextInt64(mediumBytes / bytes) * bytes;
        string operation = random.Next(4) == 0 ? "write" : "read";
        csv.Append(CultureInfo.InvariantCulture, $"{time:F6},{operation},{offset},{bytes}\n");
    }
}
