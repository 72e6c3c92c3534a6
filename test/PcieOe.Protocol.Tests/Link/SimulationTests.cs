using PcieOe.Simulation;
using Xunit;

namespace PcieOe.Protocol.Tests.Link;

/// <summary>The simulation itself: that it repeats, and that it notices what it is there to notice.</summary>
public sealed class SimulationTests
{
    [Fact]
    public void Run_SomeSeeds_DeliversEverything()
    {
        var run = new SimulationRun(new SimulationOptions { Seeds = 20, Tlps = 500 });
        run.Run();
        Assert.Empty(run.Failures);
        Assert.True(run.Totals.Tlps >= 20 * 2 * 500);
    }

    [Fact]
    public void Run_SameSeedTwice_IsTheSameRun()
    {
        var options = new SimulationOptions { Tlps = 500 };
        var digests = new HashSet<ulong>();
        for (int seed = 0; seed < 20; seed++)
        {
            ulong first = SimulationRun.RunSeed(seed, options, new Totals());
            Assert.Equal(first, SimulationRun.RunSeed(seed, options, new Totals()));
            Assert.True(digests.Add(first));
        }
    }

    [Theory]
    [InlineData("duplicate")]
    [InlineData("replay")]
    [InlineData("timer")]
    [InlineData("crc")]
    public void Run_WithASafeguardTakenOut_Fails(string sabotage)
    {
        var run = new SimulationRun(new SimulationOptions { Seeds = 100, Tlps = 500, SabotageName = sabotage });
        run.Run();
        Assert.NotEmpty(run.Failures);
        Assert.All(run.Failures, failure => Assert.DoesNotContain("   at ", failure.What, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("--seeds", "0")]
    [InlineData("--seeds", "x")]
    [InlineData("--sabotage", "everything")]
    [InlineData("--unknown", "1")]
    public void TryParse_WrongOption_SaysSo(string name, string value)
    {
        Assert.False(SimulationOptions.TryParse([name, value], out _, out string mistake));
        Assert.Contains(name, mistake, StringComparison.Ordinal);
    }
}
