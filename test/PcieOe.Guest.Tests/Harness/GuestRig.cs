using System.Diagnostics;
using Xunit;

namespace PcieOe.Guest.Tests.Harness;

/// <summary>The rig in test/guest: whether guests can be had on this machine, and running one.</summary>
internal static class GuestRig
{
    private const int CannotBeHad = 77;

    private static readonly Lazy<string?> Refusal = new(Prepare);

    private static string Root { get; } = FindRoot();

    /// <summary>Skips the test, with the reason, where no guest can be had.</summary>
    public static void Require() => Assert.SkipWhen(Refusal.Value is not null, Refusal.Value ?? string.Empty);

    /// <summary>Boots a guest that runs one of the scripts beside these tests.</summary>
    /// <param name="options">Options of test/guest/run.</param>
    public static GuestRun Start(string script, IEnumerable<string> options, IEnumerable<string> arguments)
    {
        ProcessStartInfo start = new(Path.Combine(Root, "test/guest/run"))
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (string argument in (string[])[.. options, "--", Path.Combine(Root, "test/PcieOe.Guest.Tests/Scripts", script), .. arguments])
        {
            start.ArgumentList.Add(argument);
        }

        return new GuestRun(script, start);
    }

    /// <summary>A few MiB of ordinary files.</summary>
    public static string SampleTree => Path.Combine(Root, "src/PcieOe.Protocol");

    private static string? Prepare()
    {
        using Process process = Process.Start(new ProcessStartInfo(Path.Combine(Root, "test/guest/prepare"))
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        Task<string> errors = process.StandardError.ReadToEndAsync();
        process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode switch
        {
            0 => null,
            CannotBeHad => errors.Result.Trim().Split('\n')[^1],
            _ => throw new InvalidOperationException($"test/guest/prepare failed: {errors.Result}"),
        };
    }

    private static string FindRoot()
    {
        string? directory = AppContext.BaseDirectory;
        while (directory is not null && !File.Exists(Path.Combine(directory, "PcieOe.sln")))
        {
            directory = Path.GetDirectoryName(directory);
        }

        return directory ?? throw new InvalidOperationException("These tests run inside the source tree.");
    }
}
