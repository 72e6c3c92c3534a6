using System.Diagnostics;
using System.Text.Json.Nodes;
using PcieOe.Cli.Reports;
using PcieOe.Host.Bench;
using Xunit;

namespace PcieOe.Cli.Tests.Reports;

/// <summary>What --hgrm saves is read by an implementation that is not ours: the package hdr-histogram-js.</summary>
public sealed class HistogramFileTests : IDisposable
{
    /// <summary>Of each workload: what the interval log holds together, and by how much the percentile file differs from it at most.</summary>
    private const string Reader = """
        const fs = require("fs"), hdr = require("hdr-histogram-js");
        const result = {};
        for (const file of fs.readdirSync(".").filter(name => name.endsWith(".hlog"))) {
          const name = file.slice(0, -5), log = new hdr.HistogramLogReader(fs.readFileSync(file, "utf8"), 64);
          const all = hdr.build({ bitBucketSize: 64, highestTrackableValue: 3.6e12, numberOfSignificantValueDigits: 3 });
          const tags = [];
          for (let part; (part = log.nextIntervalHistogram()) != null;) { all.add(part); tags.push(part.tag); }
          const rows = fs.readFileSync(name + ".hgrm", "utf8").split("\n").filter(line => /^ *[0-9]/.test(line)).map(line => line.trim().split(/ +/).map(Number));
          const errors = rows.map(row => Math.abs(all.getValueAtPercentile(row[1] * 100) / 1000 / row[0] - 1));
          result[name] = { count: all.totalCount, tags: tags, rows: rows.length, last: rows[rows.length - 1][2], error: Math.max(...errors),
            p50: all.getValueAtPercentile(50), p999: all.getValueAtPercentile(99.9), max: all.maxValue };
        }
        console.log(JSON.stringify(result));
        """;

    private readonly string _folder = Directory.CreateTempSubdirectory("pcieoe-hgrm-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    [Trait("Category", "System")]
    public void SavedHistograms_ReadByAnotherImplementation_AreTheSame()
    {
        if (!File.Exists("/usr/bin/npm") || !File.Exists("/usr/bin/node"))
        {
            Assert.Skip("No npm here.");
        }

        CommandRun install = Run("/usr/bin/npm", "install", "--no-audit", "--no-fund", "--loglevel=error", "hdr-histogram-js@3");
        if (install.ExitCode != 0)
        {
            Assert.Skip($"npm cannot get hdr-histogram-js: {install.Errors}");
        }

        RunReport report = SampleRun.Complete();
        HistogramFiles.Save(_folder, report);
        File.WriteAllText(Path.Combine(_folder, "read.js"), Reader);
        CommandRun read = Run("/usr/bin/node", "read.js");
        Assert.True(read.ExitCode == 0, read.Errors);
        JsonObject result = JsonNode.Parse(read.Output)!.AsObject();
        Assert.Equal(2 * report.Workloads.Count, result.Count);
        foreach ((WorkloadResult workload, string name) in report.Workloads.SelectMany(workload => ((string[])[workload.Name, $"{workload.Name}.end-to-end"]).Select(name => (workload, name))))
        {
            JsonObject other = result[name]!.AsObject();
            Assert.Equal(workload.Latency.Count, other["count"]!.GetValue<long>());
            Assert.Equal(workload.Latency.Count, other["last"]!.GetValue<long>());
            Assert.All(other["tags"]!.AsArray(), tag => Assert.Equal(name, tag!.GetValue<string>()));
            Assert.Equal(workload.Intervals!.Histograms.Count, other["tags"]!.AsArray().Count);
            Assert.True(other["rows"]!.GetValue<int>() > 20);
            Assert.InRange(other["error"]!.GetValue<double>(), 0, 0.001);
            Near(workload.Latency.P50Microseconds, other["p50"]!);
            Near(workload.Latency.P999Microseconds, other["p999"]!);
            Near(workload.Latency.MaximumMicroseconds, other["max"]!);
        }
    }

    [Fact]
    public void SavedHistograms_NamesThatAreNoFileNames_StayInTheFolder()
    {
        WorkloadResult workload = SampleRun.Workload("randread", 4096, 1, 10) with { Name = "../out/of,it" };
        HistogramFiles.Save(_folder, new RunReport { Workloads = [workload] });
        Assert.Equal([".._out_of_it.end-to-end.hgrm", ".._out_of_it.end-to-end.hlog", ".._out_of_it.hgrm", ".._out_of_it.hlog"], Directory.GetFiles(_folder).Select(Path.GetFileName).Order());
    }

    /// <summary>Within three significant digits.</summary>
    private static void Near(double microseconds, JsonNode nanoseconds) => Assert.InRange(nanoseconds.GetValue<double>() / 1000, microseconds * 0.999, microseconds * 1.001);

    private CommandRun Run(string program, params string[] arguments) => CommandRun.Await(Process.Start(new ProcessStartInfo(program, arguments)
    {
        RedirectStandardOutput = true,
        RedirectStandardError = true,
        WorkingDirectory = _folder,
    })!);
}
