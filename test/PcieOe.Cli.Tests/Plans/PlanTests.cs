using PcieOe.Cli.Lab;
using PcieOe.Cli.Lab.Daemons;
using PcieOe.Cli.Lab.Scenarios;
using PcieOe.Cli.Plans;
using PcieOe.Host.Bench;
using Xunit;

namespace PcieOe.Cli.Tests.Plans;

public sealed class PlanTests
{
    [Fact]
    public void DefaultPlan_Always_IsAPlanWithoutTwins()
    {
        Plan plan = PlanFile.Load(null);
        string[] names = [.. plan.Paths.SelectMany(path => PlannedWorkload.Of(plan, path, null).Select(workload => workload.Name + path.ToOptions().Suffix))];
        Assert.Equal(names.Distinct(), names);
        Assert.Contains("randread-4k-qd1", names);
        Assert.Contains("randread-4k-qd32-keyed", names);
    }

    [Fact]
    public void PlansOfTheTree_All_ArePlansWithoutTwins()
    {
        DirectoryInfo root = new(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(root.FullName, "PcieOe.sln")))
        {
            root = root.Parent!;
        }

        FileInfo[] files = [.. new DirectoryInfo(Path.Combine(root.FullName, "bench", "plans")).GetFiles("*.json")];
        Assert.NotEmpty(files);
        foreach (FileInfo file in files)
        {
            Plan plan = PlanFile.Load(file);
            string[] names = [.. plan.Paths.SelectMany(path => PlannedWorkload.Of(plan, path, null).Select(workload => workload.Name + path.ToOptions().Suffix))];
            Assert.Equal(names.Distinct(), names);
        }
    }

    [Fact]
    public void Workloads_Lists_StandForAllCombinations()
    {
        Plan plan = Parse("""{ "rw": ["randread", "randrw"], "bs": ["4k", "64KiB"], "qd": [1, 32], "read_percent": [90, 50] }""");
        Assert.Equal(
            [
                "randread-4k-qd1", "randread-4k-qd32", "randread-64k-qd1", "randread-64k-qd32",
                "randrw90-4k-qd1", "randrw90-4k-qd32", "randrw50-4k-qd1", "randrw50-4k-qd32",
                "randrw90-64k-qd1", "randrw90-64k-qd32", "randrw50-64k-qd1", "randrw50-64k-qd32",
            ],
            PlannedWorkload.Of(plan, plan.Paths[0], null).Select(workload => workload.Name));
    }

    [Fact]
    public void Seconds_OfCommandLineWorkloadAndPlan_CountInThisOrder()
    {
        Plan plan = Parse("""{ "rw": ["randread"], "seconds": 3 }, { "rw": ["randwrite"] }""");
        Assert.Equal([3, 1], PlannedWorkload.Of(plan, plan.Paths[0], null).Select(workload => workload.Request.Seconds));
        Assert.Equal([7, 7], PlannedWorkload.Of(plan, plan.Paths[0], 7).Select(workload => workload.Request.Seconds));
    }

    [Theory]
    [InlineData("""{ "rw": ["randred"] }""", "randred")]
    [InlineData("""{ "rw": ["read"], "depth": [1] }""", "depth")]
    [InlineData("""{ "rw": "read" }""", "rw")]
    [InlineData("""{ "bs": ["4k"] }""", "rw")]
    [InlineData("""{ "rw": ["read"], "bs": ["4x"] }""", "4x")]
    [InlineData("""{ "rw": ["read"], "qd": [0] }""", "qd")]
    [InlineData("""{ "rw": ["regread"], "qd": [2] }""", "one at a time")]
    [InlineData("""{ "rw": ["dmawrite"], "rate": [100] }""", "one at a time")]
    [InlineData("""{ "rw": ["read"], "rate": [10], "load_percent": [10] }""", "both")]
    [InlineData("""{ "rw": ["read"], "load_percent": [0] }""", "load_percent")]
    [InlineData("""{ "rw": ["read"], "arrivals": "late" }""", "late")]
    [InlineData("""{ "rw": ["read"], "seconds": 0 }""", "seconds")]
    public void Mistake_InAWorkload_IsNamed(string workload, string named)
    {
        LabException exception = Assert.Throws<LabException>(() => Parse(workload));
        Assert.Contains(named, exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Mistakes_OfAPlan_AreReportedTogether()
    {
        const string text = """{ "schema": "other", "seconds": 0, "working_set": "little", "hosts": [99], "paths": [ { "name": "a b", "mtu": 1, "timing": "x", "memory_buffer": "y", "workloads": [] } ] }""";
        LabException exception = Assert.Throws<LabException>(() => PlanFile.Parse(text, "it"));
        Assert.All((string[])["schema", "seconds", "working_set", "hosts", "name", "mtu", "timing", "memory_buffer"], key => Assert.Contains(key, exception.Message, StringComparison.Ordinal));
    }

    [Fact]
    public async Task LoadPercent_WithAClosedLoopBefore_IsOfItsRate()
    {
        List<BenchRequest> asked = await RunAsync("""{ "rw": ["randread"], "qd": [8, 64] }, { "rw": ["randread"], "qd": [64], "load_percent": [50, 100], "arrivals": "fixed" }""");
        Assert.Equal([0, 0, 3200, 6400], asked.Select(request => request.RatePerSecond));
        Assert.All(asked, request => Assert.False(request.IsPoisson));
    }

    [Fact]
    public async Task LoadPercent_WithoutAClosedLoopBefore_MeasuresIt()
    {
        List<BenchRequest> asked = await RunAsync("""{ "rw": ["randwrite"], "qd": [64] }, { "rw": ["randread"], "qd": [64], "load_percent": [50] }""");
        Assert.Equal(["randwrite 0", "randread 0", "randread 3200"], asked.Select(request => $"{request.Pattern} {request.RatePerSecond}"));
    }

    private static async Task<List<BenchRequest>> RunAsync(string workloads)
    {
        List<BenchRequest> asked = [];
        Task<WorkloadResult> Bench(BenchRequest request, string name)
        {
            asked.Add(request);
            return Task.FromResult(new WorkloadResult
            {
                Name = name,
                Pattern = request.Pattern,
                BlockBytes = request.BlockBytes,
                QueueDepth = request.QueueDepth,
                RatePerSecond = request.RatePerSecond > 0 ? request.RatePerSecond : null,
                CommandsPerSecond = 100 * request.QueueDepth,
            });
        }

        Plan plan = Parse(workloads);
        await new WorkloadSequence(Bench, new Silence()).RunAsync(new PathOptions(), PlannedWorkload.Of(plan, plan.Paths[0], null), []);
        return asked;
    }

    private static Plan Parse(string workloads) =>
        PlanFile.Parse($$"""{ "schema": "pcieoe-plan/1", /* comment */ "seconds": 1, "paths": [ { "workloads": [ {{workloads}}, ] } ] }""", "it");

    private sealed class Silence : ILabProgress
    {
        public void Begin(string name)
        {
        }

        public void Report(double part)
        {
        }

        public void End(string result)
        {
        }
    }
}
