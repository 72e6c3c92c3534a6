using System.Text;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Configuration;
using PcieOe.Daemon.Configuration;
using PcieOe.Daemon.Hosting;
using PcieOe.Host.Configuration;
using PcieOe.Target.Configuration;
using Xunit;

namespace PcieOe.System.Tests.Documents;

/// <summary>docs/configuration.md has every setting that the daemons read, and none that they do not.</summary>
public sealed partial class ConfigurationReferenceTests
{
    // Readers ask for some settings only where others lead there, so one configuration does not show them all.
    private static readonly string[] Targets =
    [
        """{ "hosts": [ {} ], "functions": [ { "namespaces": [ {} ], "media": { "kind": "file", "path": "/tmp/x", "size": "1MiB" } } ] }""",
    ];

    private static readonly string[] Hosts =
    [
        """{ "attachments": [ { "frontends": [ { "vfioUser": "/tmp/x" }, { "nbd": "unix:/tmp/y" } ] } ] }""",
    ];

    [Fact]
    public void Reference_TargetAndHost_HasWhatIsReadAndNothingElse()
    {
        SortedSet<string> known = [.. Targets.SelectMany(json => KeysOf(json, TargetOptions.Read)), .. Hosts.SelectMany(json => KeysOf(json, HostOptions.Read))];
        known.RemoveWhere(key => known.Any(other => other.StartsWith(key + ".", StringComparison.Ordinal) || other.StartsWith(key + "[].", StringComparison.Ordinal)));
        SortedSet<string> documented = [.. DocumentedKeys(File.ReadAllLines(Repository.PathOf("docs/configuration.md")))];
        Assert.True(known.Count > 40 && documented.Count > 40, $"{known.Count} keys known, {documented.Count} documented: the test does not see them.");
        Assert.Equal([], known.Except(documented));
        Assert.Equal([], documented.Except(known));
    }

    private static IEnumerable<string> KeysOf<TOptions>(string json, Func<ConfigurationReader, TOptions> read)
    {
        ConfigurationReader reader = new(new ConfigurationBuilder().AddJsonStream(new MemoryStream(Encoding.UTF8.GetBytes(json))).Build());
        read(reader);
        DaemonProgram.ReadLogging(reader);
        return reader.KnownKeys;
    }

    /// <summary>The names in the first column of every table; one that begins with a point belongs to the section of the one before.</summary>
    private static IEnumerable<string> DocumentedKeys(string[] lines)
    {
        foreach (string line in lines.Where(line => line.StartsWith("| `", StringComparison.Ordinal)))
        {
            string section = string.Empty;
            foreach (Match match in CodeSpan().Matches(line.Split('|')[1]))
            {
                string name = match.Groups[1].Value;
                string key = name[0] == '.' ? section + name : name;
                section = key.Contains('.', StringComparison.Ordinal) ? key[..key.LastIndexOf('.')] : string.Empty;
                yield return key;
            }
        }
    }

    [GeneratedRegex("`([^`]+)`")]
    private static partial Regex CodeSpan();
}
