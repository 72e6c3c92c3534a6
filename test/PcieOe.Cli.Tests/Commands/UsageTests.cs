using Xunit;

namespace PcieOe.Cli.Tests.Commands;

public sealed class UsageTests
{
    [Theory]
    [InlineData("bench-link", "--rounds", "0")]
    [InlineData("bench-link", "--nonsense")]
    [InlineData("impair", "onlyone")]
    [InlineData("impair", "a", "b", "--loss", "101")]
    [InlineData("impair", "a", "b", "--corruption", "badly")]
    [InlineData("plan", "trace.csv", "--classes", "90%:20,99%:5")]
    [InlineData("bench", "--replay", "trace.csv", "--rw", "randwrite")]
    [InlineData("bench", "--replay", "trace.csv", "--poisson")]
    [InlineData("nosuchcommand")]
    public void Mistake_InArguments_ExitCodeIs2(params string[] arguments)
    {
        CommandRun run = CommandRun.Of(arguments);
        Assert.Equal(2, run.ExitCode);
        Assert.NotEmpty(run.Errors);
    }

    [Theory]
    [InlineData("bench-link", "floor.rtt_64_us.p50")]
    [InlineData("impair", "--cut-every 10000")]
    public void Help_OfACommand_TeachesByExample(string command, string lesson)
    {
        CommandRun run = CommandRun.Of(command, "--help");
        Assert.Equal(0, run.ExitCode);
        Assert.Contains(lesson, run.Output);
    }

    [Fact]
    public void Help_OfAll_HidesTheWorkers() => Assert.DoesNotContain("worker", CommandRun.Of("--help").Output);
}
