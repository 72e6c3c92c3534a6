using System.Text;
using Microsoft.Extensions.Configuration;
using PcieOe.Daemon.Configuration;
using Xunit;

namespace PcieOe.Daemon.Tests.Configuration;

public sealed class ConfigurationReaderTests
{
    private enum Flavour
    {
        Plain,
        ExtraSweet,
    }

    private static ConfigurationReader Read(string json) =>
        new(new ConfigurationBuilder().AddJsonStream(new MemoryStream(Encoding.UTF8.GetBytes(json))).Build());

    [Fact]
    public void ValidValues_Read_AreGivenWithoutProblems()
    {
        ConfigurationReader reader = Read("""{ "name": "a", "etherType": "0x88B5", "size": "2GiB", "flavour": "extraSweet", "on": true, "hosts": ["x", "y"], "list": [ { "n": 3 } ] }""");
        Assert.Equal("a", reader.RequiredText("name", "a name"));
        Assert.Equal(0x88B5, reader.Integer("etherType", 0, 0x600, 0xFFFF));
        Assert.Equal(2L << 30, reader.Bytes("size", 0, 0, long.MaxValue));
        Assert.Equal(Flavour.ExtraSweet, reader.Choice("flavour", Flavour.Plain));
        Assert.True(reader.Flag("on", false));
        Assert.Equal(["x", "y"], reader.Texts("hosts"));
        Assert.Equal(3, Assert.Single(reader.List("list")).Integer("n", 0, 0, 9));
        Assert.Empty(reader.Finish());
    }

    [Fact]
    public void SeveralMistakes_Read_AreAllReportedWithTheirPlace()
    {
        ConfigurationReader reader = Read("""{ "lease": "soon", "list": [ { "size": "3 apples" }, 7 ], "flavour": "0", "pollling": "busy", "section": "text" }""");
        Assert.Equal(300, reader.Integer("lease", 300, 1, 3600));
        Assert.Equal(5, reader.List("list")[0].Bytes("size", 5, 0, 100));
        Assert.Equal(Flavour.Plain, reader.Choice("flavour", Flavour.Plain));
        reader.RequiredText("name", "the target's name");
        reader.Text("polling");
        reader.Section("section");
        string[] problems = [.. reader.Finish().Select(problem => problem.ToString())];
        Assert.Equal(7, problems.Length);
        Assert.Contains("lease: is 'soon', where a whole number from 1 to 3600 belongs.", problems);
        Assert.Contains("list[0].size: is '3 apples', where a size such as \"256MiB\" or a number of bytes belongs.", problems);
        Assert.Contains("list[1]: is '7', where an object { ... } belongs.", problems);
        Assert.Contains("flavour: is '0', where one of these belongs: plain, extraSweet.", problems);
        Assert.Contains("name: is missing: the target's name.", problems);
        Assert.Contains("pollling: is not a setting. Did you mean 'polling'?", problems);
        Assert.Contains("section: is 'text', where an object { ... } belongs.", problems);
    }

    [Theory]
    [InlineData("4096", 4096)]
    [InlineData("64KiB", 65536)]
    [InlineData("1 TiB", 1L << 40)]
    [InlineData("8388607TiB", 8388607L << 40)]
    public void Size_Parsed_IsExact(string text, long expected)
    {
        Assert.True(ByteSize.TryParse(text, out long bytes));
        Assert.Equal(expected, bytes);
    }

    [Theory]
    [InlineData("")]
    [InlineData("KiB")]
    [InlineData("-1")]
    [InlineData("1.5GiB")]
    [InlineData("8388608TiB")]
    [InlineData("9MB")]
    public void NotASize_Parsed_IsRefused(string text) => Assert.False(ByteSize.TryParse(text, out _));

    [Fact]
    public void BrokenFile_Loaded_SaysWhatIsWrong()
    {
        string path = Path.GetTempFileName();
        try
        {
            File.WriteAllText(path, "{ \"a\": ");
            Assert.Null(DaemonConfiguration.Load(path, [], out ConfigurationProblem? problem));
            Assert.Contains("cannot be read as JSON", problem!.Message, StringComparison.Ordinal);
            File.WriteAllText(path, "{ /* a comment */ \"a\": 1 }");
            Assert.Equal("2", DaemonConfiguration.Load(path, ["a=2"], out _)!["a"]);
            Assert.Null(DaemonConfiguration.Load(path, ["nonsense"], out problem));
            Assert.Equal("--set", problem!.Place);
        }
        finally
        {
            File.Delete(path);
        }

        Assert.Null(DaemonConfiguration.Load(path, [], out ConfigurationProblem? missing));
        Assert.Contains("no such file", missing!.Message, StringComparison.Ordinal);
    }
}
