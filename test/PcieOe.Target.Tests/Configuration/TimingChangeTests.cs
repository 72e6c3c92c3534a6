using System.Text.Json.Nodes;
using PcieOe.FlashEndpoint.Timing;
using PcieOe.Target.Control;
using Xunit;

namespace PcieOe.Target.Tests.Configuration;

/// <summary>The control command "timing".</summary>
public sealed class TimingChangeTests
{
    private readonly FlashTiming _timing = new(FlashProfiles.Tlc);

    [Fact]
    public void Values_Set_CountFromTheNextCommandOn()
    {
        JsonObject answer = Run(new JsonObject { ["readLsbMicroseconds"] = "12.5", ["cellJitterPercent"] = 0, ["readRetriesPerMillion"] = 0, ["writeBuffer"] = "1MiB" });
        Assert.True(answer["ok"]!.GetValue<bool>());
        Assert.Equal(12.5, answer["timing"]!["readLsbMicroseconds"]!.GetValue<double>());
        Assert.Equal(
            FlashProfiles.Tlc with { ReadLsbNanoseconds = 12_500, CellJitterPercent = 0, ReadRetriesPerMillion = 0, WriteBufferBytes = 1 << 20 },
            _timing.Parameters);
        _timing.Schedule(FlashOperation.Read, 0, 4096, 0, out FlashTimes times);
        Assert.Equal(12_500, times.CellNanoseconds);
    }

    [Theory]
    [InlineData("readLsbMicroseconds", "-1", "readLsbMicroseconds")]
    [InlineData("readLsbMicrosecond", "1", "Did you mean 'readLsbMicroseconds'?")]
    [InlineData("profile", "tlc", "profile")]
    [InlineData("bitsPerCell", "4", "bitsPerCell")]
    [InlineData("page", "1000", "PageBytes")]
    public void Values_ThatMakeNoSense_ChangeNothing(string key, string value, string named)
    {
        JsonObject answer = Run(new JsonObject { [key] = value, ["seed"] = 9 });
        Assert.False(answer["ok"]!.GetValue<bool>());
        Assert.Contains(named, answer["error"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.Same(FlashProfiles.Tlc, _timing.Parameters);
    }

    [Fact]
    public void Parameters_Shown_AreAllThatCanBeSet()
    {
        JsonObject shown = Run(null)["timing"]!.AsObject();
        FlashTiming other = new(FlashProfiles.Slc2011);
        JsonObject answer = TimingCommand.Run("flash0", other, new JsonObject { ["set"] = shown.DeepClone() });
        Assert.True(answer["ok"]!.GetValue<bool>());
        Assert.Equal(FlashProfiles.Tlc, other.Parameters);
    }

    [Fact]
    public void FunctionWithoutTiming_SaysWhatToDo()
    {
        JsonObject answer = TimingCommand.Run("flash0", null, []);
        Assert.Contains("functions[].timing.profile", answer["error"]!.GetValue<string>(), StringComparison.Ordinal);
    }

    [Fact]
    public void Set_ThatIsNoObject_IsRefused() => Assert.False(TimingCommand.Run("flash0", _timing, new JsonObject { ["set"] = 3 })["ok"]!.GetValue<bool>());

    private JsonObject Run(JsonObject? set) => TimingCommand.Run("flash0", _timing, set is null ? [] : new JsonObject { ["set"] = set });
}
