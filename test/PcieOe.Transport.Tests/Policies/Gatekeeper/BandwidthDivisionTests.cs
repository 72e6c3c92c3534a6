using PcieOe.Transport.Policies.Gatekeeper;
using Xunit;

namespace PcieOe.Transport.Tests.Policies.Gatekeeper;

public sealed class BandwidthDivisionTests
{
    [Fact]
    public void SpareCapacity_GoesToThoseWhoAskForMore_ByWeight()
    {
        double[] shares = new double[4];
        BandwidthDivision.Divide(1000, [300, 1000, 1000, 20], [500, 100, 200, 0], [500, 100, 200, 50], shares);
        Assert.Equal([300, 100 + 380 / 3.0, 200 + 760 / 3.0, 20], shares.Select(share => Math.Round(share, 9)), (a, b) => Math.Abs(a - b) < 1e-6);
    }

    [Fact]
    public void AnyDemands_NobodyBelowHisMinimum_NothingWasted_NothingInvented()
    {
        Random random = new(3);
        for (int round = 0; round < 2000; round++)
        {
            int count = random.Next(1, 40);
            double[] demands = Values(1), weights = Values(1), minima = Values(1);
            double sum = minima.Sum();
            minima = [.. minima.Select(minimum => minimum / sum * 1000 * random.NextDouble())];
            demands = [.. demands.Select(demand => demand * 4000 / count)];
            double[] shares = new double[count];
            BandwidthDivision.Divide(1000, demands, minima, weights, shares);
            Assert.InRange(shares.Sum(), 0.98 * Math.Min(1000, demands.Sum()), 1000 + 1e-6);
            for (int i = 0; i < count; i++)
            {
                Assert.InRange(shares[i], Math.Min(demands[i], minima[i]) - 1e-9, demands[i] + 1e-9);
            }

            double[] Values(double most) => [.. Enumerable.Range(0, count).Select(_ => 0.01 + most * random.NextDouble())];
        }
    }
}
