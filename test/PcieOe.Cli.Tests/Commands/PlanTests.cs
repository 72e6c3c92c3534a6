using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using System.Xml.Linq;
using Xunit;

namespace PcieOe.Cli.Tests.Commands;

public sealed class PlanTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("pcieoe-plan-test-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Plan_OfBurstsOverATrickle_SavesPlanAndPicture()
    {
        StringBuilder trace = new("seconds,operation,offset,bytes\n");
        for (int i = 0; i < 2000; i++)
        {
            trace.Append(CultureInfo.InvariantCulture, $"{i * 0.001:F6},read,0,4096\n");
        }

        for (int i = 0; i < 1000; i++)
        {
            trace.Append(CultureInfo.InvariantCulture, $"{i / 100 * 0.2:F6},write,{i * 8192},8192\n");
        }

        File.WriteAllText(PathOf("trace.csv"), trace.ToString());
        CommandRun run = CommandRun.Of("plan", PathOf("trace.csv"), "--classes", "70%:5,100%:50", "--json", PathOf("plan.json"), "--svg", PathOf("plan.svg"));
        Assert.True(run.ExitCode == 0, run.Errors);
        Assert.Contains("\"responseMilliseconds\": 50", run.Output, StringComparison.Ordinal);
        JsonNode plan = JsonNode.Parse(File.ReadAllText(PathOf("plan.json")))!;
        Assert.Equal(3000, plan["arrivals"]!.GetValue<int>());

        // A burst is 200 units: all of them in 5 ms take 40000 a second and the trickle's share.
        Assert.InRange(plan["single_iops"]!.GetValue<double>(), 40_000, 41_500);
        Assert.InRange(plan["nested_iops"]!.GetValue<double>(), 4_000, 20_000);
        Assert.Equal([5.0, 50.0], plan["classes"]!.AsArray().Select(member => member!["responseMilliseconds"]!.GetValue<double>()));
        Assert.Equal(1.0, plan["classes"]![1]!["held"]!.GetValue<double>());
        AssertCurvesAreNamed(XDocument.Load(PathOf("plan.svg")), "5 ms", "50 ms");
    }

    [Fact]
    public void Plan_OfWhatIsNoTrace_SaysWhere()
    {
        File.WriteAllText(PathOf("trace.csv"), "0,read,0,4096\nnonsense\n");
        CommandRun run = CommandRun.Of("plan", PathOf("trace.csv"));
        Assert.Equal(1, run.ExitCode);
        Assert.Contains($"{PathOf("trace.csv")}, line 2", run.Errors, StringComparison.Ordinal);
        Assert.Equal(2, run.Errors.Split("trace.csv").Length);
    }

    /// <summary>No name covers another.</summary>
    private static void AssertCurvesAreNamed(XDocument picture, params string[] names)
    {
        Assert.Equal("svg", picture.Root!.Name.LocalName);
        XElement[] labels = [.. picture.Descendants().Where(element => element.Attribute("class")?.Value.StartsWith("curve", StringComparison.Ordinal) == true)];
        Assert.Equal(names, labels.Select(label => label.Value).Order(StringComparer.Ordinal).OrderBy(name => name.Length));
        double[] heights = [.. labels.Select(label => double.Parse(label.Attribute("y")!.Value, CultureInfo.InvariantCulture)).Order()];
        Assert.All(heights.Zip(heights.Skip(1)), pair => Assert.True(pair.Second - pair.First >= 12.9));
    }

    private string PathOf(string name) => Path.Combine(_folder, name);
}
