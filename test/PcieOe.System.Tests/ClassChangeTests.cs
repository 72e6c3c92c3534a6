using System.Text.Json.Nodes;
using Xunit;

namespace PcieOe.System.Tests;

/// <summary>Classes of Nested QoS in a real target: shown, and changed while it runs, as far as the capacity suffices.</summary>
[Trait("Category", "System")]
public sealed class ClassChangeTests
{
    [Fact]
    public void ClassSetAtRunTime_WithinTheCapacity_IsShown_AndBeyondItRefused()
    {
        using DaemonFixture boxes = new();
        JsonObject configuration = boxes.TargetConfiguration("server1");
        configuration["nestedQos"] = new JsonObject
        {
            ["capacityIops"] = 10_000,
            ["tenants"] = new JsonArray(new JsonObject
            {
                ["name"] = "server1",
                ["classes"] = new JsonArray(new JsonObject { ["name"] = "gold", ["burst"] = 20, ["rate"] = 3000, ["responseMilliseconds"] = 5 }),
            }),
        };
        boxes.StartTarget(configuration);
        boxes.WaitFor("target.sock", status => status["nested_qos"] is not null);

        Set(0, "--class", "gold", "--burst", "40", "--rate", "5000");
        Assert.Contains("that takes 12632", Set(1, "--class", "gold", "--burst", "60"), StringComparison.Ordinal);
        Assert.Contains("Classes: gold", Set(1, "--class", "silver", "--burst", "60"), StringComparison.Ordinal);
        Assert.Contains("not both at once", Set(2, "--class", "gold", "--burst", "60", "--egress-min", "5"), StringComparison.Ordinal);

        JsonNode gold = boxes.Status("target.sock")["nested_qos"]!["tenants"]![0]!["classes"]![0]!;
        Assert.Equal((40.0, 5000.0, 5.0), (gold["burst"]!.GetValue<double>(), gold["rate"]!.GetValue<double>(), gold["deadline_ms"]!.GetValue<double>()));
        (int exitCode, string output, string problem) = ProgramRun.Complete(TimeSpan.FromSeconds(30), "pcieoe", "policy", "show", "--control", boxes.PathOf("target.sock"));
        Assert.True(exitCode == 0 && output.Contains("gold", StringComparison.Ordinal), output + problem);

        string Set(int expectedExitCode, params string[] arguments)
        {
            (int code, string said, string errors) = ProgramRun.Complete(
                TimeSpan.FromSeconds(30), "pcieoe", ["policy", "set", "server1", .. arguments, "--control", boxes.PathOf("target.sock")]);
            Assert.True(code == expectedExitCode, $"exit code {code}\n{said}{errors}");
            return errors;
        }
    }
}
