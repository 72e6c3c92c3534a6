using System.ComponentModel;
using System.Diagnostics;
using Xunit;

namespace PcieOe.Transport.Tests.Dissector;

/// <summary>Runs tshark with the dissector of this tree.</summary>
internal static class Tshark
{
    private const int TimeoutMilliseconds = 60_000;

    /// <summary>One line for each frame, its fields separated by a bar; several values of one field by commas.</summary>
    public static string[] Fields(CaptureBuilder capture, params string[] fields) => Run(
        [.. Common(capture), "-T", "fields", "-E", "separator=|", "-E", "occurrence=a", "-E", "aggregator=,", .. fields.SelectMany(field => new[] { "-e", field })]);

    /// <summary>One line for each frame: the text of its Info column.</summary>
    public static string[] Info(CaptureBuilder capture) => Fields(capture, "_ws.col.Info");

    /// <summary>The numbers of the frames that a display filter selects.</summary>
    public static string[] Matching(CaptureBuilder capture, string filter) =>
        Run([.. Common(capture), "-Y", filter, "-T", "fields", "-e", "frame.number"]);

    private static string[] Common(CaptureBuilder capture) =>
        ["-2", "-X", "lua_script:" + DissectorPath(), "-r", capture.Finish().Path];

    private static string DissectorPath()
    {
        for (DirectoryInfo? directory = new(AppContext.BaseDirectory); directory is not null; directory = directory.Parent)
        {
            string path = Path.Combine(directory.FullName, "dissector", "pcieoe.lua");
            if (File.Exists(path))
            {
                return path;
            }
        }

        throw new FileNotFoundException("dissector/pcieoe.lua is not above the tests.");
    }

    private static string[] Run(string[] arguments)
    {
        ProcessStartInfo start = new("tshark", arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        Process process;
        try
        {
            process = Process.Start(start)!;
        }
        catch (Win32Exception)
        {
            Assert.Skip("tshark is not installed");
            return [];
        }

        using (process)
        {
            Task<string> errors = process.StandardError.ReadToEndAsync();
            Task<string> output = process.StandardOutput.ReadToEndAsync();
            if (!process.WaitForExit(TimeoutMilliseconds))
            {
                process.Kill();
                Assert.Fail("tshark did not end");
            }

            Assert.DoesNotContain("Lua", errors.Result, StringComparison.Ordinal);
            Assert.Equal(0, process.ExitCode);
            Assert.DoesNotContain("Lua Error", output.Result, StringComparison.Ordinal);
            return output.Result.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        }
    }
}
