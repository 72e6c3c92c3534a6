using System.Text.Json.Nodes;
using PcieOe.Cli.Reports;
using PcieOe.Cli.Reports.Comparison;
using PcieOe.Host.Bench;
using PcieOe.Transport.Hops;
using Xunit;

namespace PcieOe.Cli.Tests.Reports;

public sealed class DiffTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("pcieoe-diff-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Compare_ARunWithItself_FindsNothing()
    {
        RunComparison comparison = RunComparison.Of(SampleRun.Complete(), SampleRun.Complete(), 0);
        Assert.NotEmpty(comparison.Figures);
        Assert.All(comparison.Figures, figure => Assert.Equal(Verdict.Same, figure.Verdict));
        Assert.Empty(comparison.Unmatched);
    }

    [Theory]
    [InlineData(10, 20, 10, "Worse")]
    [InlineData(20, 10, 10, "Better")]
    [InlineData(10, 10.5, 10, "Same")]
    [InlineData(10, 20, 150, "Same")]
    public void Compare_LatencyChanged_IsJudgedByTheThreshold(double before, double after, double threshold, string verdict)
    {
        RunComparison comparison = RunComparison.Of(Run(before, seed: 1), Run(after, seed: 2), threshold);
        Figure figure = comparison.Figures.Single(figure => figure.Name == "p50_us");
        Assert.Equal(verdict, figure.Verdict.ToString());
        Assert.InRange(figure.ChangePercent, 100 * (after / before - 1) - 3, 100 * (after / before - 1) + 3);
    }

    [Fact]
    public void Compare_RunsThatVaryAsMuchAsTheyDiffer_FindsNoise()
    {
        // Each run's intervals go from 10 to 50 us: that their middles differ by a fifth says nothing.
        RunReport before = Wandering(10, 20, 30, 40, 50), after = Wandering(16, 26, 36, 46, 56);
        Figure figure = RunComparison.Of(before, after, 10).Figures.Single(figure => figure.Name == "p50_us");
        Assert.True(figure.ChangePercent > 10);
        Assert.Equal(Verdict.WithinNoise, figure.Verdict);
    }

    [Fact]
    public void Compare_NewFaults_AreAlwaysWorse()
    {
        RunReport before = Run(10, 1);
        RunReport after = before with { Workloads = [before.Workloads[0] with { VerifyErrors = 1 }] };
        Assert.True(RunComparison.Of(before, after, 1000).HasRegression);
        Assert.False(RunComparison.Of(after, before, 1000).HasRegression);
    }

    [Fact]
    public void Compare_OneHopGrew_NamesIt()
    {
        RunReport before = Run(10, 1), after = Run(20, 1);
        WorkloadResult slow = before.Workloads[0];
        HopSummary[] hops = [.. slow.Hops.Select(hop => hop.Name == "target-tx" ? hop with { MeanMicroseconds = hop.MeanMicroseconds + 10 } : hop)];
        after = after with { Workloads = [after.Workloads[0] with { Hops = hops }] };
        (string hop, double microseconds) = RunComparison.Of(before, after, 10).Figures.Single(figure => figure.Name == "p50_us").Cause!.Value;
        Assert.Equal("target-tx", hop);
        Assert.Equal(10, microseconds, 6);
    }

    [Fact]
    public void Compare_OtherWorkloads_AreNamedAndNotJudged()
    {
        RunReport other = new() { Workloads = [SampleRun.Workload("randwrite", 4096, 1, 10)] };
        RunComparison comparison = RunComparison.Of(Run(10, 1), other, 10);
        Assert.Equal(["randread-4k-qd1", "randwrite-4k-qd1"], comparison.Unmatched);
        Assert.False(comparison.HasRegression);
    }

    [Fact]
    public void Command_ExitCode_SaysWhetherSomethingBecameWorse()
    {
        string quick = Save("quick.json", Run(10, 1)), slow = Save("slow.json", Run(20, 2)), json = Path.Combine(_folder, "diff.json");
        CommandRun worse = CommandRun.Of("diff", quick, slow, "--json", json);
        Assert.Equal(1, worse.ExitCode);
        Assert.Contains("WORSE", worse.Output, StringComparison.Ordinal);
        Assert.All(worse.Output.Split('\n'), line => Assert.True(line.TrimEnd().Length <= 100, line));
        Assert.True(JsonNode.Parse(File.ReadAllText(json))!["regression"]!.GetValue<bool>());
        Assert.Equal(0, CommandRun.Of("diff", slow, quick).ExitCode);
        Assert.Equal(0, CommandRun.Of("diff", quick, slow, "--threshold", "150%").ExitCode);
        Assert.Equal(2, CommandRun.Of("diff", quick, Path.Combine(_folder, "none.json")).ExitCode);
        Assert.Equal(2, CommandRun.Of("diff", quick, slow, "--threshold", "much").ExitCode);
    }

    private static RunReport Run(double microseconds, int seed) => new() { Workloads = [SampleRun.Workload("randread", 4096, 1, microseconds, seed)] };

    private static RunReport Wandering(params double[] microseconds)
    {
        WorkloadResult[] parts = [.. microseconds.Select(typical => SampleRun.Workload("randread", 4096, 1, typical))];
        WorkloadResult middle = parts[parts.Length / 2];
        return new RunReport { Workloads = [middle with { Intervals = middle.Intervals! with { Histograms = [.. parts.Select(part => part.Histogram)] } }] };
    }

    private string Save(string name, RunReport report)
    {
        string path = Path.Combine(_folder, name);
        report.Save(path);
        return path;
    }
}
