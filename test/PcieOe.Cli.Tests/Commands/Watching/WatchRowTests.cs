using System.Text.Json.Nodes;
using PcieOe.Cli.Commands.Watching;
using Xunit;

namespace PcieOe.Cli.Tests.Commands.Watching;

public sealed class WatchRowTests
{
    [Fact]
    public void Rows_OfTwoAnswers_AreRatesBetweenThem()
    {
        WatchRow[] rows = [.. WatchRow.Of(Status(cpu: 10, bytes: 1_000_000_000, retransmits: 5), Status(cpu: 11, bytes: 2_000_000_000, retransmits: 25), 2)];
        Assert.Equal(["pcieoe-target box", "  server1 on flash0"], rows.Select(row => row.Name));
        Assert.Equal("up, 50 % cpu, 25 % busy", rows[0].State);
        Assert.Equal(4, rows[0].SentGigabitsPerSecond, 9);
        Assert.Equal(0, rows[0].ReceivedGigabitsPerSecond);
        Assert.Equal(10, rows[1].RetransmitsPerSecond);
        Assert.Equal(10, rows[1].DropsPerSecond);
        Assert.Equal(12.5, rows[1].RoundTripMicroseconds);
        Assert.Equal("outage", rows[1].State);
    }

    [Fact]
    public void Rows_CounterWentBack_HaveNoRate()
    {
        WatchRow[] rows = [.. WatchRow.Of(Status(cpu: 10, bytes: 5, retransmits: 500), Status(cpu: 1, bytes: 1, retransmits: 1), 1)];
        Assert.Equal(0, rows[0].SentGigabitsPerSecond);
        Assert.Equal(0, rows[1].RetransmitsPerSecond);
    }

    [Fact]
    public void Rows_SessionIsNew_HasNoRateYet()
    {
        JsonObject before = Status(1, 1, 1);
        before["sessions"] = new JsonArray();
        Assert.Equal(0, WatchRow.Of(before, Status(1, 1, 77), 1).Last().RetransmitsPerSecond);
    }

    private static JsonObject Status(double cpu, long bytes, long retransmits) => new()
    {
        ["daemon"] = "pcieoe-target",
        ["name"] = "box",
        ["process"] = new JsonObject { ["cpu_s"] = cpu },
        ["worker"] = new JsonObject { ["rounds"] = bytes, ["busy_rounds"] = bytes / 4 },
        ["port"] = new JsonObject { ["state"] = "up", ["bytes_sent"] = bytes },
        ["sessions"] = new JsonArray(new JsonObject
        {
            ["host"] = "server1",
            ["function"] = "flash0",
            ["outage"] = true,
            ["link"] = new JsonObject { ["rtt_us"] = 12.5, ["retransmits"] = retransmits, ["drops"] = new JsonObject { ["replayed"] = retransmits } },
        }),
    };
}
